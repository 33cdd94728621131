import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, relative, resolve } from "node:path";
import { parseConfig } from "../config/load.js";
import { ConfigError } from "../config/problem.js";
import { openLog } from "../daemon/log/log.js";
import { untilStopped } from "../daemon/stop-signal.js";
import { systemClock } from "../forwarder/clock.js";
import { type RunningForwarder, startForwarder } from "../forwarder/start-forwarder.js";
import { HttpError } from "../http/http-faults.js";
import { packageVersion } from "../package-version.js";
import { RegistryError } from "../registry/registry-fault.js";
import { NumberedSource } from "../testing/numbered-source.js";
import { startTracer, type Tracer } from "../tracer.js";
import { totalsReading } from "../tracer-readings.js";
import { withForeseenErrors } from "./foreseen-errors.js";
import { makeDirectory } from "./make-directory.js";
import { print } from "./print.js";
import { StatusLine } from "./status-line.js";

const nodeNames = ["relay-1", "relay-2", "producer"];
const showEveryMs = 1_000;
/** The page's port; another one if it is in use. */
const usualPagePort = 3_700;

export interface DemoOptions {
  readonly dir: string;
  readonly seconds?: number;
  readonly rate: number;
}

/** A configuration as an operator would write it, with everything below one directory. */
function demoConfig(directory: string, pagePort: number): string {
  return `# What the demonstration ran on.
networkMagic: 764824073
network: {tag: AcceptAt, contents: ${JSON.stringify(join(directory, "muninn.sock"))}}
logging:
  - {logRoot: ${JSON.stringify(join(directory, "logs"))}, logMode: FileMode, logFormat: ForMachine}
  - {logRoot: ${JSON.stringify(join(directory, "logs"))}, logMode: FileMode, logFormat: ForHuman}
rotation: {rpFrequencySecs: 10, rpLogLimitBytes: 1000000, rpKeepFilesNum: 5}
hasPrometheus: {epHost: 127.0.0.1, epPort: 0}
hasEKG: {epHost: 127.0.0.1, epPort: 0}
muninn:
  ui: {host: 127.0.0.1, port: ${pagePort}}
`;
}

/** Runs a tracer and three nodes until a signal, or this many seconds; resolves with the exit code. */
export async function demonstrate(options: DemoOptions): Promise<number> {
  const status = new StatusLine(process.stdout);
  return withForeseenErrors("demo", status, () => run(options, status), [
    ConfigError,
    RegistryError,
    HttpError,
  ]);
}

async function run(options: DemoOptions, status: StatusLine): Promise<number> {
  const stopped = untilStopped();
  const directory = resolve(options.dir);
  await makeDirectory(directory);
  const configFile = join(directory, "demo.yaml");
  const text = demoConfig(directory, (await isFree(usualPagePort)) ? usualPagePort : 0);
  await writeFile(configFile, text);
  const { config } = await parseConfig(text, configFile);
  const log = await openLog({ minSeverity: "Warning" });
  const tracer = await startTracer(config, { log, version: packageVersion });

  const address = { kind: "unix", path: join(directory, "muninn.sock") } as const;
  const nodes: RunningForwarder[] = [];
  for (const name of nodeNames) {
    const source = new NumberedSource({ name, rate: options.rate });
    nodes.push(await startForwarder({ source, network: { mode: "connect", address } }));
  }
  print(whereToLook(directory, tracer.served));
  const timer = setInterval(() => {
    const { written } = totalsOf(tracer);
    status.show(`${tracer.sessions.counts.connected} nodes connected, ${written} lines written`);
  }, showEveryMs);
  const isOver = new AbortController();
  await Promise.race([stopped, elapsed(options.seconds, isOver.signal)]);
  isOver.abort();
  clearInterval(timer);
  status.clear();

  await Promise.all(nodes.map((node) => node.stop()));
  await tracer.stop();
  await log.stop({ deadlineMs: 500 });
  const sent = nodes.reduce((sum, node) => sum + node.report().objectsSent, 0);
  const { received, written, dropped } = totalsOf(tracer);
  print(
    `Sent ${sent} trace objects to ${config.logging.length} logs each: ${received} received, ${written} written, ${dropped} dropped.\n`,
  );
  return written === sent * config.logging.length ? 0 : 1;
}

/** At all sinks except that of viewers. */
function totalsOf({ router }: Tracer): { received: number; written: number; dropped: number } {
  const sum = { received: 0, written: 0, dropped: 0 };
  for (const { received, written, dropped } of totalsReading(router)) {
    sum.received += received;
    sum.written += written;
    sum.dropped += dropped;
  }
  return sum;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}

function whereToLook(directory: string, served: ReadonlyMap<string, string>): string {
  const shown = (path: string) => relative(process.cwd(), join(directory, path)) || ".";
  return `Muninn collects the traces of three simulated nodes. Look at them in a browser:

  http://${served.get("ui")}/

In another terminal:

  tail -F ${shown("logs/relay-1/node.json")}     what a node traced, as machines read it
  tail -F ${shown("logs/relay-1/node.log")}      the same for people
  ls -l ${shown("logs/producer/")}               the files, and the link to the current one
  curl http://${served.get("prometheus")}/relay-1   its metrics, as Prometheus scrapes them
  http://${served.get("ekg")}/relay-1        the same, live in a browser
  curl http://${served.get("prometheus")}/healthz   the health of Muninn
  cat ${shown("demo.yaml")}                      the configuration

Ctrl-C ends it.
`;
}

/** Never, without a number of seconds. */
async function elapsed(seconds = Number.POSITIVE_INFINITY, signal: AbortSignal): Promise<void> {
  await systemClock.sleep(seconds * 1_000, signal);
}
