import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/load.js";
import { eventually } from "../../src/testing/eventually.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { freePort, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { leftOut } from "../left-out.js";
import { missingCollector, OtelCollector } from "../otlp/otel-collector.js";
import { TestCollector } from "../sinks/otlp/test-collector.js";

const examples = "examples";
const read = (...path: string[]) => readFile(join(examples, ...path), "utf8");

/** Every Muninn configuration in the examples. */
const ours = [
  "compose/muninn.yaml",
  "loki/muninn.yaml",
  "otel-collector/muninn.yaml",
  "several-networks/mainnet.yaml",
  "several-networks/preprod.yaml",
];

/** A program that runs until the end of the test's block. */
class Running implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    this.#ended = once(this.child, "close");
  }

  async kill(signal?: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

function isAbsent(program: string): boolean {
  return spawnSync(program, ["--version"]).error !== undefined;
}

test.each(ours)("muninn check accepts examples/%s without a warning", async (file) => {
  const { warnings } = await loadConfig(join(examples, file));
  expect(warnings).toEqual([]);
});

test("every Muninn configuration is tested, and every folder is in the tables of examples/README.md", async () => {
  const folders = (await readdir(examples, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const found: string[] = [];
  const readme = await read("README.md");
  for (const { name } of folders) {
    expect(readme).toContain(`\`${name}\``);
    for (const file of await readdir(join(examples, name))) {
      if ((await read(name, file)).includes("networkMagic:")) found.push(`${name}/${file}`);
    }
  }
  expect(found.filter((file) => !file.startsWith("nats/")).sort()).toEqual(ours);
});

test("the files for other programs are well-formed and point to Muninn", async () => {
  const compose = parse(await read("compose", "compose.yaml"));
  expect(compose.services.muninn).toMatchObject({ restart: "always" });
  expect(compose.services.muninn.volumes).toContain("logs:/var/log/muninn");
  expect(Object.keys(compose.volumes)).toEqual(["logs", "sockets"]);
  const vector = parse(await read("vector", "vector.yaml"));
  expect(vector.sources.muninn.include).toEqual(["/var/log/muninn/*/node-*.json"]);
  const collector = parse(await read("otel-collector", "collector.yaml"));
  const { endpoint } = collector.receivers.otlp.protocols.http;
  const { muninn } = parse(await read("otel-collector", "muninn.yaml"));
  expect(muninn.sinks[0].url).toBe(`http://${endpoint}/v1/logs`);
  const loki = parse(await read("loki", "loki.yaml"));
  expect((await loadConfig(join(examples, "loki/muninn.yaml"))).config.muninn).toMatchObject({
    sinks: [{ url: `http://127.0.0.1:${loki.server.http_listen_port}/otlp/v1/logs` }],
  });
  const alloy = (await read("alloy", "config.alloy")).replace(/"[^"]*"|\/\/.*/g, "");
  for (const [open, close] of ["{}", "()", "[]"]) {
    expect(alloy.split(open!).length).toBe(alloy.split(close!).length);
  }
});

test("two networks share one log root, and each accepts only its own nodes", async () => {
  await using place = await Workplace.open();
  const moved = async (name: string) =>
    parse(
      (await read("several-networks", `${name}.yaml`))
        .replace("/run/muninn", place.directory)
        .replace("/var/log/muninn", place.logRoot)
        .replace(/epPort: \d+/, "epPort: 0"),
    );
  const daemons = [await place.start(await moved("mainnet")), await place.start(await moved("preprod"))];
  for (const [name, magic] of [
    ["mainnet", 764_824_073],
    ["preprod", 1],
  ] as const) {
    await using node = await nodeAt(place.path(`${name}.sock`), { name, magic, count: 100 });
    await node.finished;
    await eventually(async () => expectAllInOrder(await place.linesOf(name), 100));
  }
  for (const daemon of daemons) expect(await daemon.stop()).toBe(0);
});

describe.skipIf(isAbsent("rsyslogd"))("with rsyslog", () => {
  test("examples/rsyslog/muninn.conf ships every line once across rotations", async () => {
    await using place = await Workplace.open();
    const copy = place.path("copy.json");
    await mkdir(place.path("state"));
    await mkdir(place.path("logs/relay-1"), { recursive: true });
    const text = (await read("rsyslog", "muninn.conf"))
      .replaceAll("/var/log/muninn-copy.json", copy)
      .replaceAll("/var/log/muninn", place.logRoot);
    const conf = place.path("rsyslog.conf");
    await writeFile(conf, `global(workDirectory="${place.path("state")}")\n${text}`);
    execFileSync("rsyslogd", ["-N1", "-f", conf], { stdio: "ignore" });
    await using _ = new Running("rsyslogd", ["-n", "-f", conf, "-i", place.path("rsyslog.pid")]);
    const daemon = await place.start({
      rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 100_000, rpMaxAgeHours: 1, rpKeepFilesNum: 100 },
    });
    const count = 2_000;
    await using node = await nodeAt(place.socket, { name: "relay-1", count, rate: 1_000 });
    await node.finished;
    const lines = async () => (await readFile(copy, "utf8")).split("\n").slice(0, -1);
    await eventually(async () => expect(await lines()).toHaveLength(count));
    const files = (await readdir(place.path("logs/relay-1"))).filter((name) => name.startsWith("node-"));
    expect(files.length).toBeGreaterThan(1);
    expect((await lines()).sort()).toEqual((await place.linesOf("relay-1")).sort());
    expect(await daemon.stop()).toBe(0);
  });
});

test("examples/loki sends records to Loki's path with the tenant and network from the example", async () => {
  await using place = await Workplace.open();
  await using loki = await TestCollector.open();
  const muninn = (await read("loki", "muninn.yaml"))
    .replace("/run/muninn", place.directory)
    .replace("/var/log/muninn", place.logRoot)
    .replace("127.0.0.1:3100", new URL(loki.url).host);
  const daemon = await place.start(parse(muninn));
  await using node = await nodeAt(place.socket, { name: "relay-1", count: 100 });
  await node.finished;
  await eventually(() => expect(loki.bodies).toHaveLength(100));
  await eventually(async () => expect(loki.bodies).toEqual(await place.linesOf("relay-1")));
  const { resource, headers } = loki.requests[0]!;
  expect(resource).toMatchObject({ "service.name": "relay-1", "service.namespace": "mainnet" });
  expect(headers["x-scope-orgid"]).toBe("pool");
  expect(await daemon.stop()).toBe(0);
});

describe.skipIf(missingCollector !== undefined)(
  `with an OpenTelemetry collector${leftOut(missingCollector)}`,
  () => {
    test("examples/otel-collector: the collector prints every record that Muninn sends it", async () => {
      await using place = await Workplace.open();
      const port = await freePort("127.0.0.1");
      const collectorFile = place.path("collector.yaml");
      // Its own metrics have a separate port, which others may use.
      const quiet = "service:\n  telemetry:\n    metrics:\n      level: none\n";
      const collectorText = (await read("otel-collector", "collector.yaml"))
        .replace("4318", `${port}`)
        .replace("service:\n", quiet);
      await writeFile(collectorFile, collectorText);
      await using collector = await OtelCollector.with(collectorFile, port);
      const muninn = (await read("otel-collector", "muninn.yaml"))
        .replace("/run/muninn", place.directory)
        .replace("/var/log/muninn", place.logRoot)
        .replace("4318", `${port}`);
      const daemon = await place.start(parse(muninn));
      await using node = await nodeAt(place.socket, { name: "relay-1", count: 100 });
      await node.finished;
      await eventually(() => {
        for (let n = 0; n < 100; n += 1) expect(collector.said).toContain(String(n).padStart(12, "0"));
      });
      expect(collector.said).toContain("relay-1");
      expect(await daemon.stop()).toBe(0);
    });
  },
);

describe.skipIf(isAbsent("logrotate"))("with logrotate", () => {
  test("examples/logrotate/muninn moves files aside while lines arrive, and no line is lost", async () => {
    await using place = await Workplace.open();
    const daemon = await place.start();
    const count = 2_000;
    await using node = await nodeAt(place.socket, { name: "relay-1", count, rate: 1_000 });
    const directory = place.path("logs/relay-1");
    await eventually(async () => expect((await place.linesOf("relay-1")).length).toBeGreaterThan(100));
    const conf = place.path("logrotate.conf");
    const text = (await read("logrotate", "muninn"))
      .replace("/var/log/muninn", place.logRoot)
      .replace("systemctl reload muninn", `kill -HUP ${daemon.pid}`)
      .replace("    sharedscripts\n", `    sharedscripts\n    su ${userInfo().username} root\n`);
    await writeFile(conf, text);
    await chmod(conf, 0o644);
    execFileSync("logrotate", ["--force", "--state", place.path("state"), conf]);
    await node.finished;
    const all = async () => {
      const names = (await readdir(directory)).filter((name) => name.startsWith("node-")).sort();
      // A file moved aside has ".1" after its name, and is older than one without.
      const [aside, rest] = [
        names.filter((name) => name.endsWith(".1")),
        names.filter((name) => name.endsWith("json")),
      ];
      expect(aside).toHaveLength(1);
      const texts = await Promise.all(
        [...aside, ...rest].map((name) => readFile(join(directory, name), "utf8")),
      );
      return texts.join("").split("\n").slice(0, -1);
    };
    await eventually(async () => expectAllInOrder(await all(), count));
    expect(await daemon.stop()).toBe(0);
  });
});

describe.skipIf(isAbsent("/usr/sbin/sshd") || userInfo().uid !== 0)("with sshd", () => {
  test("a node reaches Muninn through the tunnel of examples/ssh, and again after the tunnel is killed", async () => {
    await using place = await Workplace.open();
    const [key, hostKey] = [place.path("key"), place.path("host-key")];
    for (const file of [key, hostKey])
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    await mkdir("/run/sshd", { recursive: true });
    const port = await freePort("127.0.0.1");
    const options = {
      HostKey: hostKey,
      AuthorizedKeysFile: `${key}.pub`,
      PidFile: "none",
      UsePAM: "no",
      StrictModes: "no",
      ListenAddress: `127.0.0.1:${port}`,
    };
    const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    await using _ = new Running("/usr/sbin/sshd", ["-D", "-f", "/dev/null", ...flags]);
    const daemon = await place.start();
    const command = /^ExecStart=(.*)$/m.exec(await read("ssh", "muninn-tunnel.service"))![1]!;
    const local = place.path("tunnel.sock");
    const words = command
      .replace("/run/muninn-tunnel/tracer.sock", local)
      .replace("/run/muninn/muninn.sock", place.socket)
      .replace("muninn@tracer", `${userInfo().username}@127.0.0.1`)
      .split(" ");
    const known = ["-i", key, "-p", String(port), "-o", "StrictHostKeyChecking=no"];
    const hosts = ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-F", "/dev/null"];
    const tunnel = () => new Running(words[0]!, [...known, ...hosts, ...words.slice(1)]);
    await eventually(() => {
      const { stdout } = spawnSync("ssh-keyscan", ["-p", String(port), "127.0.0.1"]);
      expect(stdout.toString()).toContain("ssh-ed25519");
    });
    await using first = tunnel();
    await using node = await nodeAt(local, { name: "relay-1", count: 600, rate: 200, queue: 1_000 });
    await eventually(async () => expect((await place.linesOf("relay-1")).length).toBeGreaterThan(10));
    await first.kill("SIGKILL");
    await using _again = tunnel();
    await node.finished;
    await eventually(async () => {
      const lines = await place.linesOf("relay-1");
      expect(lines.at(-1)).toContain('"seq":"000000000599"');
    });
    expect(await daemon.stop()).toBe(0);
  });
});
