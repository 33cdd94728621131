import { accessSync, constants, existsSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Program } from "./child.js";
import type { LoadKind } from "./load.js";
import { networkMagic } from "./load-plan.js";

/** Where one run happens, and how objects are requested. */
interface TracerPlan {
  /** For everything but logs. */
  readonly directory: string;
  /** Where logs go: one directory, empty at first, for each section of the tracer. */
  readonly logRoots: readonly string[];
  readonly requestCount: number;
  /** Bytes of a complete reply with its segments, which only the bare copy needs. */
  readonly replyBytes: number;
}

/** A program that writes trace objects from a socket to files. */
export interface Tracer {
  readonly name: string;
  readonly sections: number;
  readonly takes: LoadKind;
  /** What it writes for a reply: the lines, or every byte. */
  readonly keeps: "lines" | "bytes";
  /** Returns the command to run; it listens at `socketPath(directory)`. */
  program(plan: TracerPlan): Program;
}

/** Every other contestant in Node has the limit for young objects that Muninn sets for itself. */
export const nodeEnvironment = { NODE_OPTIONS: "--max-semi-space-size=8" };

export function socketPath(directory: string): string {
  return join(directory, "tracer.sock");
}

/** Settings of one run of Muninn that differ from its defaults. */
export interface MuninnSettings {
  readonly name?: string;
  readonly requestsAhead?: number;
  /** Logging sections, all alike. */
  readonly sections?: number;
  /** The most handles that the registry may keep open. */
  readonly maxOpenFiles?: number;
  /** Where metrics are served, on 127.0.0.1. */
  readonly prometheusPort?: number;
  /** Where the page is served, on 127.0.0.1. */
  readonly uiPort?: number;
  /** `muninn.links`. */
  readonly links?: readonly object[];
  /** Further fields of `muninn`, as a file has them. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export function muninn(settings: MuninnSettings = {}): Tracer {
  const own = {
    ...(settings.requestsAhead === undefined ? {} : { requestsAhead: settings.requestsAhead }),
    ...(settings.maxOpenFiles === undefined ? {} : { registry: { maxOpenFiles: settings.maxOpenFiles } }),
    ...(settings.uiPort === undefined ? {} : { ui: { host: "127.0.0.1", port: settings.uiPort } }),
    ...(settings.links === undefined ? {} : { links: settings.links }),
    ...settings.more,
  };
  const { prometheusPort } = settings;
  const served =
    prometheusPort === undefined ? {} : { hasPrometheus: { epHost: "127.0.0.1", epPort: prometheusPort } };
  return {
    name: settings.name ?? "muninn",
    sections: settings.sections ?? 1,
    takes: "objects",
    keeps: "lines",
    program: (plan) => ({
      command: process.execPath,
      args: [resolve("dist/bin.cjs"), "run", "-c", writeConfiguration(plan, { ...served, muninn: own })],
    }),
  };
}

/** As many as Muninn requests from a nearby node that has more waiting. */
export const usualAhead = 7;

/** Requests and writes as Muninn does, also in Node, without reading the bytes: the limit. */
export function copy(requestsAhead: number): Tracer {
  return {
    name: requestsAhead === 1 ? "copy" : `copy, ${requestsAhead} ahead`,
    sections: 1,
    takes: "objects",
    keeps: "bytes",
    program: ({ directory, logRoots, requestCount, replyBytes }) => ({
      command: process.execPath,
      env: nodeEnvironment,
      args: [
        peer("copy"),
        socketPath(directory),
        ...logRoots,
        ...[requestCount, requestsAhead, replyBytes].map(String),
      ],
    }),
  };
}

/** Decodes as Muninn does, and opens, appends to and closes a file for each batch. */
export function reopening(requestsAhead: number): Tracer {
  return {
    name: "open-append-close",
    sections: 1,
    takes: "objects",
    keeps: "lines",
    program: ({ directory, logRoots, requestCount }) => ({
      command: process.execPath,
      env: nodeEnvironment,
      args: [
        peer("reopening"),
        socketPath(directory),
        ...logRoots,
        ...[requestCount, requestsAhead].map(String),
      ],
    }),
  };
}

/** The Rust tracer of the crate `hermod-tracer`, named by `HERMOD_TRACER` or on the path. */
export function hermodTracer(): Tracer | undefined {
  return foreignTracer("hermod-tracer", process.env.HERMOD_TRACER ?? onPath("hermod-tracer"));
}

/** The original, if `CARDANO_TRACER` names one. */
export function cardanoTracer(): Tracer | undefined {
  return foreignTracer("cardano-tracer", process.env.CARDANO_TRACER);
}

/** rsyslog: lines from a socket by imptcp to a file by omfile, in batches of 1,024. */
export function rsyslog(): Tracer | undefined {
  const path = onPath("rsyslogd", ["/usr/sbin"]);
  if (path === undefined) return undefined;
  return {
    name: "rsyslog",
    sections: 1,
    takes: "lines",
    keeps: "lines",
    program: ({ directory, logRoots }) => {
      const configuration = join(directory, "rsyslog.conf");
      const lines = [
        'module(load="imptcp")',
        `input(type="imptcp" path="${socketPath(directory)}")`,
        'main_queue(queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="1024")',
        'template(name="line" type="string" string="%rawmsg%\\n")',
        `action(type="omfile" file="${join(logRoots[0]!, "node-0.json")}" template="line" ioBufferSize="64k")`,
      ];
      writeFileSync(configuration, `${lines.join("\n")}\n`);
      return { command: path, args: ["-n", "-f", configuration, "-i", join(directory, "rsyslogd.pid")] };
    },
  };
}

/** Another program's path, by its name. */
function onPath(program: string, alsoIn: readonly string[] = []): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), ...alsoIn]
    .map((directory) => join(directory, program))
    .find((path) => existsSync(path));
}

function foreignTracer(name: string, path: string | undefined): Tracer | undefined {
  if (path === undefined) return undefined;
  accessSync(path, constants.X_OK);
  return {
    name,
    sections: 1,
    takes: "objects",
    keeps: "lines",
    program: (plan) => ({ command: path, args: ["--config", writeConfiguration(plan, {})] }),
  };
}

/** The same configuration for all programs that read cardano-tracer's; returns its path. */
function writeConfiguration(plan: TracerPlan, more: object): string {
  const configuration = {
    networkMagic,
    network: { tag: "AcceptAt", contents: socketPath(plan.directory) },
    loRequestNum: plan.requestCount,
    logging: plan.logRoots.map((logRoot) => ({ logRoot, logMode: "FileMode", logFormat: "ForMachine" })),
    rotation: {
      rpFrequencySecs: 60,
      rpLogLimitBytes: 1_000_000_000_000,
      rpMaxAgeHours: 24,
      rpKeepFilesNum: 10,
    },
    verbosity: "ErrorsOnly",
    ...more,
  };
  const path = join(plan.directory, "tracer.json");
  writeFileSync(path, JSON.stringify(configuration));
  return path;
}

function peer(name: string): string {
  return fileURLToPath(new URL(`../peers/${name}.js`, import.meta.url));
}
