import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { HealthReport } from "../../src/health/health-report.js";
import { eventually } from "../../src/testing/eventually.js";
import { type Daemon, Workplace } from "../end-to-end/daemon.js";

// Fields whose effect shows in the process or in its own log, and what a reload changes of them.

const certificates = fileURLToPath(new URL("../http/certificates/", import.meta.url));
const anyPort = { epHost: "127.0.0.1", epPort: 0 };

async function served(daemon: Daemon): Promise<Record<string, string>> {
  return (await daemon.logged("started")).served as Record<string, string>;
}

test("files have a pool of 32 threads, whatever Node's default is", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await eventually(async () => {
    const status = await readFile(`/proc/${daemon.pid}/status`, "utf8");
    expect(Number(/^Threads:\s+(\d+)/m.exec(status)?.[1])).toBeGreaterThan(32);
  });
  expect(await daemon.stop()).toBe(0);
});

test("the log says who may read and connect, by the umask of the process", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await daemon.logged("started");
  const said = daemon.log.filter(({ event }) => event === "access").map(({ msg }) => String(msg));
  const umask = process.umask().toString(8).padStart(4, "0");
  expect(said.filter((sentence) => sentence.includes(`by the umask ${umask}`))).toHaveLength(2);
  expect(await daemon.stop()).toBe(0);
});

test("resourceFreq logs the tracer's resource usage, and verbosity and --min-log-severity decide whether it shows", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ resourceFreq: 10, verbosity: "Maximum" });
  const { cpuSeconds } = await daemon.logged("resources");
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(await daemon.stop()).toBe(0);
  const quiet = await place.start({ resourceFreq: 10 }, { flags: ["--min-log-severity", "Notice"] });
  expect(await quiet.stop()).toBe(0);
  expect(quiet.log.filter(({ event }) => event === "resources")).toEqual([]);
});

test("an event loop that stood still shows in the health of the daemon", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ hasPrometheus: anyPort });
  const { prometheus } = await served(daemon);
  // A first look has nothing before it to compare with.
  await delay(1_000);
  daemon.signal("SIGSTOP");
  await delay(2_000);
  daemon.signal("SIGCONT");
  await eventually(async () => {
    const { checks } = (await (await fetch(`http://${prometheus}/healthz`)).json()) as HealthReport;
    expect(checks.find(({ name }) => name === "event-loop")).toMatchObject({ state: "degraded" });
  });
  // It keeps what comes all the same.
  const metrics = await (await fetch(`http://${prometheus}/metrics/self`)).text();
  expect(metrics).toContain("\nmuninn_ready 1\n");
  expect(await daemon.stop()).toBe(0);
});

test("endpoints with epForceSSL show tlsCertificate", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({
    hasPrometheus: { ...anyPort, epForceSSL: true },
    tlsCertificate: {
      certificateFile: `${certificates}server.pem`,
      certificateKeyFile: `${certificates}server-key.pem`,
      certificateChain: [`${certificates}intermediate.pem`],
    },
  });
  const [host, port] = (await served(daemon)).prometheus!.split(":");
  const ca = await readFile(`${certificates}root.pem`);
  const status = await new Promise((resolve, reject) => {
    request({ host, port, path: "/healthz", ca, servername: "localhost", agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(status).toBe(200);
  expect(await daemon.stop()).toBe(0);
});

test("after a reload each endpoint asks for its own new secret and accepts no other's", async () => {
  await using place = await Workplace.open();
  const secrets = (generation: number) => ({
    prometheus: { bearerToken: `p${generation}` },
    ekg: { bearerToken: `e${generation}` },
    health: { bearerToken: `h${generation}` },
  });
  const config = (generation: number) => ({
    hasPrometheus: anyPort,
    hasEKG: anyPort,
    muninn: { health: { host: "127.0.0.1", port: 0 }, auth: secrets(generation) },
  });
  const daemon = await place.start(config(1));
  const where = await served(daemon);
  await place.change(config(2));
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  const paths = { prometheus: "/", ekg: "/", health: "/healthz" };
  for (const [endpoint, path] of Object.entries(paths)) {
    for (const token of ["p1", "e1", "h1", "p2", "e2", "h2"]) {
      const headers = { authorization: `Bearer ${token}` };
      const { status } = await fetch(`http://${where[endpoint]}${path}`, { headers });
      expect(`${endpoint} with ${token}: ${status}`).toBe(
        `${endpoint} with ${token}: ${token === `${endpoint[0]}2` ? 200 : 401}`,
      );
    }
  }
  expect(await daemon.stop()).toBe(0);
});

test("an unreadable file of help texts stops nothing, and health says so until a reload finds it", async () => {
  await using place = await Workplace.open();
  const metricsHelp = join(place.directory, "help.yaml");
  const daemon = await place.start({ hasPrometheus: anyPort, metricsHelp });
  const { prometheus } = await served(daemon);
  const check = async () => {
    const report = await (await fetch(`http://${prometheus}/healthz`)).json();
    return (report as HealthReport).checks.find(({ name }) => name === "help-texts");
  };
  expect(await check()).toMatchObject({ state: "degraded", reason: expect.stringContaining(metricsHelp) });
  await writeFile(metricsHelp, "blockNum: height of the chain\n");
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  expect(await check()).toMatchObject({ state: "ok" });
  expect(await daemon.stop()).toBe(0);
});

test("a logRoot that does not exist yet is created at the start, and health finds its disk", async () => {
  await using place = await Workplace.open();
  const logRoot = place.path("new", "logs");
  const daemon = await place.start({ logging: [{ logRoot, logMode: "FileMode", logFormat: "ForMachine" }] });
  await daemon.logged("health_changed", ({ check }) => check === "nodes");
  expect(await daemon.stop()).toBe(0);
  expect(daemon.log.filter(({ check }) => check === `disk:${logRoot}`)).toEqual([]);
});
