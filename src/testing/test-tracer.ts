import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../config/load.js";
import { ConfigError } from "../config/problem.js";
import type { configFields } from "../config/schema.js";
import { openLog } from "../daemon/log/log.js";
import { readLines } from "../log-files/line-file.js";
import { findNodeLogs } from "../log-files/node-logs.js";
import type { DataPoints } from "../nodes/data-points.js";
import { packageVersion } from "../package-version.js";
import type { FileSystem } from "../registry/file-system.js";
import { startTracer as startRealTracer, type Tracer, type TracerOptions } from "../tracer.js";
import { type Address, formatAddress } from "../transport/address.js";
import { eventually } from "./eventually.js";

/** Standard error, so that it does not mix with a test's output. */
const stderr = 2;

/** How long a node may take to answer, in milliseconds. */
const answerTimeoutMs = 10_000;

/** Fields of a configuration, as in a file. */
export type ConfigFields = { readonly [Name in keyof typeof configFields]?: unknown };

export interface TestTracerOptions {
  /** Replace the default fields: AcceptAt a socket file, one ForMachine log. */
  readonly config?: ConfigFields;
  /** Starts even if the configuration has fields that are unknown, or have no effect. @default false */
  readonly allowWarnings?: boolean;
  /** The file system for its log files, to test how it handles faults. @default the kernel's */
  readonly fileSystem?: FileSystem | undefined;
  /** The kinds of sinks, to test one of your own. @default all of Muninn's */
  readonly sinkKinds?: TracerOptions["sinkKinds"];
}

/** A complete tracer in this process, in its own directory. */
export interface TestTracer extends AsyncDisposable {
  /** Where nodes connect, unless the configuration says otherwise. */
  readonly address: Address;
  readonly logRoot: string;
  /** `prometheus`, `ekg`, `health` → `host:port`, if the configuration asks for them. */
  readonly served: ReadonlyMap<string, string>;
  /** The outcome of all objects received: received = written + dropped whenever nothing is in flight. */
  accounts(): { readonly received: number; readonly written: number; readonly dropped: number };
  /**
   * Resolves when every object received so far is safe in its files, or dropped; after `await node.stop()` that is all the node has
   * sent. @throws Error if that takes more than half a minute
   */
  settled(): Promise<void>;
  /** The lines a node has in its files, oldest first; empty if it has none. */
  linesOf(node: string): Promise<string[]>;
  /**
   * Asks a node for data points: JSON documents by name, undefined for one it does not have. The result is undefined if no
   * node of that name is connected, or none answered in time.
   */
  dataPointsOf(node: string, names: readonly string[]): Promise<DataPoints | undefined>;
  /** Stops in order; the files can still be read. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a tracer for a test; disposing of it stops it and removes its directory.
 * @throws ConfigError, also for warnings, unless they are allowed
 */
export async function startTracer(options: TestTracerOptions = {}): Promise<TestTracer> {
  const directory = await mkdtemp(join(tmpdir(), "muninn-test-"));
  const address: Address = { kind: "unix", path: join(directory, "tracer.sock") };
  const logRoot = join(directory, "logs");
  const remove = () => rm(directory, { recursive: true, force: true });
  const fields = {
    networkMagic: 764_824_073,
    network: { tag: "AcceptAt", contents: formatAddress(address) },
    logging: [{ logRoot, logMode: "FileMode", logFormat: "ForMachine" }],
    ...options.config,
  };
  const log = await openLog({ minSeverity: "Critical", fd: stderr });
  let tracer: Tracer;
  try {
    const file = "the test's configuration";
    const { config, warnings } = await parseConfig(JSON.stringify(fields), file);
    if (warnings.length > 0 && !options.allowWarnings) throw new ConfigError(file, warnings);
    tracer = await startRealTracer(config, {
      log,
      version: packageVersion,
      fileSystem: options.fileSystem,
      ...(options.sinkKinds !== undefined && { sinkKinds: options.sinkKinds }),
    });
  } catch (error) {
    await remove();
    throw error;
  }
  const accounts = () => tracer.router.accounting.total();
  const stop = async () => {
    await tracer.stop();
    await log.stop({ deadlineMs: 100 });
  };
  return {
    address,
    logRoot,
    served: tracer.served,
    accounts,
    settled: async () => {
      // Objects held until their node's name is known are in no account yet.
      await eventually(() => {
        const { heldObjects } = tracer.sessions;
        if (heldObjects > 0) throw new Error(`${heldObjects} objects wait for the name of their node`);
      });
      const { received } = accounts();
      await eventually(() => {
        const { written, dropped } = accounts();
        if (written + dropped < received)
          throw new Error(`of ${received} objects received ${written} are written and ${dropped} dropped`);
      });
    },
    linesOf: async (node) => {
      // A node's directory is created with its first line.
      const logs = await findNodeLogs(join(logRoot, node)).catch(() => []);
      return linesIn(logs.flatMap(({ files }) => files));
    },
    dataPointsOf: async (node, names) => {
      const connected = [...tracer.sessions.nodes()].find((one) => one.node.name === node);
      return connected?.session.dataPoints(names, answerTimeoutMs);
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await remove();
    },
  };
}

async function linesIn(files: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const file of files) {
    for await (const { bytes, starts, ends, isUnended } of readLines(file)) {
      for (const [index, start] of starts.entries()) lines.push(bytes.toString("utf8", start, ends[index]));
      // The last line is still being written.
      if (isUnended) lines.pop();
    }
  }
  return lines;
}
