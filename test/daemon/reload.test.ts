import { execFileSync } from "node:child_process";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { type Daemon, type LogLine, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { PlainPeer } from "../wiring/plain-peer.js";
import { DatagramReceiver, receiverMissing } from "./systemd/datagram-receiver.js";

const prometheus = { hasPrometheus: { epHost: "127.0.0.1", epPort: 0 } };

/** The address of the daemon's Prometheus endpoint. */
async function pagesOf(
  daemon: Daemon,
): Promise<(path: string, headers?: Record<string, string>) => Promise<Response>> {
  const { served } = await daemon.logged("started");
  const base = `http://${(served as Record<string, string>).prometheus}`;
  return (path, headers) => fetch(`${base}${path}`, headers === undefined ? {} : { headers });
}

/** Changes fields of the daemon's file, or its whole text. */
async function change(place: Workplace, to: object | string): Promise<void> {
  const file = place.path("config-0.json");
  const text =
    typeof to === "string" ? to : JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...to });
  await writeFile(file, text);
}

/** Changes the file and waits until the daemon has logged the result. */
async function reload(place: Workplace, daemon: Daemon, to: object | string): Promise<void> {
  await change(place, to);
  const before = daemon.log.length;
  const isNew = (line: LogLine) => daemon.log.indexOf(line) >= before;
  daemon.signal("SIGHUP");
  await Promise.any([daemon.logged("reloaded", isNew), daemon.logged("reload_failed", isNew)]);
}

test("a reload changes pages, secrets, verbosity, metrics requests and rotation, and disconnects no node", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ ...prometheus, ekgRequestFreq: 3_600 });
  const page = await pagesOf(daemon);
  await using node = await nodeAt(place.socket, { name: "steady", count: 2_000, rate: 1_000, metrics: 5 });
  await daemon.logged("node_connected");
  const stamp = async () =>
    /^ekg_server_timestamp_ms\S* (\d+)$/m.exec(await (await page("/steady")).text())?.[1];
  await eventually(async () => expect(await stamp()).toBeDefined());
  const first = await stamp();

  await reload(place, daemon, {
    ekgRequestFreq: 0.05,
    metricsHelp: { "ekg.server_timestamp_ms": "when it was" },
    prometheusLabels: { site: "north" },
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 1_000, rpKeepFilesNum: 10 },
  });
  expect(daemon.log.find(({ event }) => event === "reloaded")?.fields).toEqual([
    "ekgRequestFreq",
    "rotation",
    "metricsHelp",
    "prometheusLabels",
  ]);
  await eventually(async () => expect(await stamp()).not.toBe(first));
  expect(await (await page("/steady")).text()).toContain("# HELP ekg_server_timestamp_ms when it was");
  expect(await (await page("/targets")).json()).toMatchObject([{ labels: { site: "north" } }]);

  await reload(place, daemon, { muninn: { auth: { prometheus: { bearerToken: "secret-1" } } } });
  expect((await page("/steady")).status).toBe(401);
  expect((await page("/steady", { authorization: "Bearer secret-1" })).status).toBe(200);

  const said = daemon.log.length;
  await change(place, { verbosity: "ErrorsOnly", muninn: {} });
  daemon.signal("SIGHUP");
  await eventually(async () => expect((await page("/steady")).status).toBe(200));

  await node.finished;
  const files = async () =>
    (await readdir(place.path("logs", "steady"))).filter((name) => name.startsWith("node-"));
  await eventually(async () => expect((await files()).length).toBeGreaterThan(1));
  expect(node.report().connections).toBe(1);
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expect(daemon.log.slice(said)).toEqual([]);
  expect(JSON.stringify(daemon.log)).not.toContain("secret-1");
  expectAllInOrder(await place.linesOf("steady"), 2_000);
});

test("changes that need a restart are named at every reload until they are gone from the file", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const waiting = () =>
    daemon.log.filter(({ event }) => event === "restart_needed").map(({ fields }) => fields);
  await reload(place, daemon, { loRequestNum: 7, muninn: { maxConnections: 5 }, metricsNoSuffix: true });
  await daemon.logged("restart_needed");
  await reload(place, daemon, {});
  await eventually(() => expect(waiting()).toHaveLength(2));
  await reload(place, daemon, { loRequestNum: 100, muninn: {} });
  expect(await daemon.stop()).toBe(0);
  expect(waiting()).toEqual(Array(2).fill(["loRequestNum", "muninn.maxConnections"]));
});

test("a broken file changes nothing, still reopens log files, and is reported until it is fixed", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start(prometheus);
  const page = await pagesOf(daemon);
  const configuration = async () => {
    const { checks } = (await (await page("/healthz")).json()) as { checks: { name: string }[] };
    return checks.find(({ name }) => name === "configuration");
  };
  await using node = await nodeAt(place.socket, { name: "unmoved", count: 1_500, rate: 1_000 });
  await eventually(async () => expect(await place.linesOf("unmoved")).not.toHaveLength(0));
  const [first] = (await readdir(place.path("logs", "unmoved"))).filter((name) => name.startsWith("node-"));
  await rename(place.path("logs", "unmoved", first!), place.path("logs", "unmoved", "old"));
  const good = await readFile(place.path("config-0.json"), "utf8");

  await reload(place, daemon, "networkMagic: x\nprometheusLabels: {a: b}\n");
  const { msg } = await daemon.logged("reload_failed");
  expect(msg).toContain("config-0.json:1:15: networkMagic: ");
  expect(await configuration()).toMatchObject({
    state: "degraded",
    reason: expect.stringContaining(":1:15:"),
  });
  expect((await page("/readyz")).status).toBe(200);
  expect(await (await page("/targets")).text()).not.toContain('"a"');

  await reload(place, daemon, good);
  expect(await configuration()).toMatchObject({ state: "ok" });
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  const old = await readFile(place.path("logs", "unmoved", "old"), "utf8");
  expectAllInOrder([...old.split("\n").slice(0, -1), ...(await place.linesOf("unmoved"))], 1_500);
});

test("systemd is told when a reload begins and ends, even if it fails, and the watchdog is still fed", async (context) => {
  if (receiverMissing) context.skip(receiverMissing);
  const manager = await DatagramReceiver.open();
  onTestFinished(() => manager.stop());
  await using place = await Workplace.open();
  const daemon = await place.start(
    {},
    { under: ["env", `NOTIFY_SOCKET=${manager.path}`, "WATCHDOG_USEC=3000000"] },
  );
  /** The messages it received, except those for its watchdog. */
  const told = () =>
    manager.messages.flatMap((message) => {
      const [first] = message.split("\n");
      return first === "WATCHDOG=1" || first === undefined ? [] : [first];
    });
  const fed = () => manager.messages.filter((message) => message === "WATCHDOG=1").length;
  await eventually(() => expect(told()).toEqual(["READY=1"]));
  const good = await readFile(place.path("config-0.json"), "utf8");

  await reload(place, daemon, "networkMagic: x\n");
  await eventually(() => expect(told()).toEqual(["READY=1", "RELOADING=1", "READY=1"]));
  const before = fed();
  await eventually(() => expect(fed()).toBeGreaterThan(before + 1));
  await reload(place, daemon, good);
  const cycle = ["RELOADING=1", "READY=1"];
  await eventually(() => expect(told()).toEqual(["READY=1", ...cycle, ...cycle]));
  expect(await daemon.stop()).toBe(0);
  await eventually(() => expect(told().at(-1)).toBe("STOPPING=1"));
});

test("a file replaced by a pipe delays neither a later reload nor the stop", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const file = place.path("config-0.json");
  const good = await readFile(file, "utf8");
  await rm(file);
  execFileSync("mkfifo", [file]);
  daemon.signal("SIGHUP");
  expect((await daemon.logged("reload_failed")).msg).toContain("cannot be read: it is a pipe");
  await rm(file);
  await writeFile(file, good);
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  expect(await daemon.stop()).toBe(0);
});

test("unreadable help texts are only a warning, at the start and at a reload", async () => {
  await using place = await Workplace.open();
  const help = place.path("help.json");
  const daemon = await place.start({ metricsHelp: help });
  const warnings = () => daemon.log.filter(({ event }) => event === "config_warning").map(({ msg }) => msg);
  expect(warnings()).toEqual([expect.stringContaining(`metricsHelp: ${help} cannot be read: no such file`)]);
  await reload(place, daemon, { metricsHelp: help });
  await eventually(() => expect(warnings()).toHaveLength(2));
  await writeFile(help, "{}");
  await reload(place, daemon, { metricsHelp: help });
  expect(await daemon.stop()).toBe(0);
  expect(warnings()).toHaveLength(2);
});

test("--min-log-severity wins over every reload, which names only what changed since the last", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({}, { flags: ["--min-log-severity", "Notice"] });
  const fields = () => daemon.log.filter(({ event }) => event === "reloaded").map((line) => line.fields);
  await reload(place, daemon, { verbosity: "Maximum", ekgRequestFreq: 5 });
  await reload(place, daemon, {});
  await eventually(() => expect(fields()).toEqual([["ekgRequestFreq", "verbosity"], []]));
  await using node = await nodeAt(place.socket, { name: "unsaid", count: 10 });
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expect(daemon.log.filter(({ level }) => level === "info" || level === "debug")).toEqual([]);
});

test("a daemon that stops neither reloads nor calls its closed socket a fault", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const peer = await PlainPeer.at({ kind: "unix", path: place.socket }, { name: "slow", stays: true });
  await eventually(() => expect(peer.wanted.length).toBeGreaterThan(0));
  daemon.signal("SIGTERM");
  await daemon.logged("stopping");
  daemon.signal("SIGHUP");
  // It waits two seconds for what the peer may still send, and looks at its health each second.
  expect(await daemon.exited).toBe(0);
  peer.leave();
  const events = daemon.log.map(({ event }) => event);
  const after = events.slice(events.indexOf("stopping") + 1);
  expect(after).toContain("stopped");
  expect(after).not.toContain("reloaded");
  expect(after).not.toContain("health_changed");
});
