import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Child } from "./child.js";
import { Load } from "./load.js";
import type { LoadPlan } from "./load-plan.js";
import { sampleObject, sampleReply } from "./objects.js";
import { cpuSeconds, peakMemoryKiB, writtenBytes } from "./process-usage.js";
import { sum } from "./statistics.js";
import { socketPath, type Tracer } from "./tracers.js";

const pollMs = 2;
/** How long the last lines may take to reach their files after the nodes sent them. */
const patienceMs = 60_000;
/** Sent before the measurement: this share or, if nothing holds the nodes back, this many bytes if that is more. */
const usualWarmUpShare = 0.2;
const warmUpBytes = 80_000_000;

/** What the nodes do; see `LoadPlan`. */
export type Workload = Omit<LoadPlan, "socket" | "requestCount"> & { readonly requestCount?: number };

/** The results of one run of one tracer, from the first object sent to the last line in its file. */
export interface Measurement {
  readonly objects: number;
  /** Bytes of one object on the wire. */
  readonly objectBytes: number;
  readonly seconds: number;
  /** Of the tracer's process, user and system. */
  readonly cpuSeconds: number;
  readonly peakMemoryKiB: number;
  /** After how many seconds the last line of each node was in its file. */
  readonly nodeSeconds: readonly number[];
  /** Processor time of the load, to check that it is not the limit. */
  readonly loadCpuSeconds: number;
  /** How many requests at most waited for objects at a node before these were sent: how deep the tracer asks. */
  readonly requestsWaiting: number;
}

/** Objects per second. */
export function throughput({ objects, seconds }: Measurement): number {
  return objects / seconds;
}

/** Processor seconds per million objects. */
export function cpuPerMillion({ objects, cpuSeconds: cpu }: Measurement): number {
  return (cpu * 1e6) / objects;
}

/** A directory for one run, deleted at the end; below `BENCH_DIR` or else with other temporary files. */
export function makeRunDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "muninn-bench-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A started tracer with connected nodes that have sent nothing yet. */
export interface Arrangement extends AsyncDisposable {
  readonly tracer: Tracer;
  readonly child: Child;
  readonly load: Load;
  readonly logRoots: readonly string[];
  /** Replies that each node has been told to send so far. */
  given: number;
}

/**
 * Starts a tracer and connects nodes to it, or to `entrance` if something is in front of its socket.
 * @throws Error with the tracer's last output if it does not get that far
 */
export async function arrange(
  tracer: Tracer,
  { requestCount = 100, ...workload }: Workload,
  directory: string,
  entrance = socketPath(directory),
): Promise<Arrangement> {
  const logRoots = Array.from({ length: tracer.sections }, (_, index) =>
    join(directory, `logs-${index + 1}`),
  );
  for (const logRoot of logRoots) mkdirSync(logRoot);
  const replyBytes = sampleReply(sampleObject(workload.objectBytes), requestCount).length;
  const child = new Child(tracer.program({ directory, logRoots, requestCount, replyBytes }));
  let load: Load | undefined;
  const stop = async () => {
    await load?.stop();
    await child.stop();
  };
  try {
    await listening(child, socketPath(directory));
    load = new Load({ ...workload, requestCount, socket: entrance }, tracer.takes);
    await Promise.race([load.ready(), child.ended.then(() => Promise.reject(endedEarly(child)))]);
    return { tracer, child, load, logRoots, given: 0, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves when something accepts connections at `path`. @throws Error if `child` exits before */
export async function listening(child: Child, path: string): Promise<void> {
  let ended = false;
  void child.ended.then(() => {
    ended = true;
  });
  while (!(await accepts(path))) {
    if (ended) throw endedEarly(child);
    await pause(pollMs);
  }
}

async function accepts(path: string): Promise<boolean> {
  const socket = connect(path);
  const accepted = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
  });
  socket.destroy();
  return accepted;
}

function endedEarly(child: Child): Error {
  return new Error(`${child.process.spawnargs.join(" ")} ended: ${child.output}`);
}

/**
 * Runs one tracer once with one workload. `warmUpShare` is what it gets before, as a share of `objects`.
 * @throws Error unless every line arrives
 */
export async function measure(
  tracer: Tracer,
  workload: Workload,
  objects: number,
  warmUpShare = usualWarmUpShare,
): Promise<Measurement> {
  using directory = makeRunDirectory();
  await using arrangement = await arrange(tracer, workload, directory.path);
  return await measureArranged(arrangement, objects, warmUpShare);
}

/**
 * Has the nodes send `objects` in equal shares and waits for the last line. Earlier objects are not counted: they are each
 * node's first replies, for which directories and files are created and code is compiled as it gets hot.
 */
export async function measureArranged(
  arrangement: Arrangement,
  objects: number,
  warmUpShare = usualWarmUpShare,
): Promise<Measurement> {
  const { child, load } = arrangement;
  const { nodes, objectBytes, requestCount } = load.plan;
  const repliesPerNode = Math.ceil(objects / nodes / requestCount);
  const replyBytes = objectBytes * requestCount;
  const isPaced = load.plan.objectsPerSecond !== undefined;
  const firstReplies = Math.max(
    Math.ceil(repliesPerNode * warmUpShare),
    isPaced ? 0 : Math.ceil(warmUpBytes / nodes / replyBytes),
  );
  await send(arrangement, firstReplies);
  const cpuBefore = cpuSeconds(child.pid);
  const loadCpuBefore = cpuSeconds(load.pid);
  const start = performance.now();
  const startOfFiles = Date.now();
  const requestsWaiting = await send(arrangement, repliesPerNode);
  return {
    objects: nodes * repliesPerNode * requestCount,
    objectBytes,
    seconds: (performance.now() - start) / 1_000,
    cpuSeconds: cpuSeconds(child.pid) - cpuBefore,
    peakMemoryKiB: peakMemoryKiB(child.pid),
    nodeSeconds: lastWrites(arrangement.logRoots).map((at) => (at - startOfFiles) / 1_000),
    loadCpuSeconds: cpuSeconds(load.pid) - loadCpuBefore,
    requestsWaiting,
  };
}

/**
 * Has each node send this many more replies; resolves when the last line is in its file, with how many requests at most had
 * waited at a node before.
 */
export async function send(arrangement: Arrangement, replies: number): Promise<number> {
  arrangement.given += replies;
  const requestsWaiting = await arrangement.load.give(replies);
  await written(arrangement);
  return requestsWaiting;
}

/** Resolves when the logs have the bytes of all replies given; other tracers add some line feeds. */
async function written({ tracer, child, load, logRoots, given }: Arrangement): Promise<void> {
  const { nodes, objectBytes, requestCount } = load.plan;
  const object = sampleObject(objectBytes);
  const replyBytes =
    tracer.keeps === "lines" ? object.line.length * requestCount : sampleReply(object, requestCount).length;
  const bytes = logRoots.length * nodes * given * replyBytes;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    // Reading the sizes of a thousand nodes' files takes so long that it would disturb the measurement, so this comes last.
    if (writtenBytes(child.pid) >= bytes && bytesBelow(logRoots) >= bytes) return;
    if (performance.now() > deadline) {
      throw new Error(`${bytesBelow(logRoots)} of ${bytes} bytes written: ${child.output}`);
    }
    await pause(pollMs);
  }
}

/** Of all files. */
export function bytesBelow(directories: readonly string[]): number {
  return sum(directories.flatMap(filesBelow).map((path) => statSync(path).size));
}

/**
 * When a file of each node was last written to, in milliseconds of the wall clock. What a node has sent is not a measure:
 * its last replies may stay in the socket for a long time.
 */
function lastWrites(logRoots: readonly string[]): number[] {
  const written = new Map<string, number>();
  for (const root of logRoots) {
    for (const path of filesBelow(root)) {
      const [node] = relative(root, path).split(sep);
      // A lock or similar is not a log.
      if (node!.startsWith(".")) continue;
      written.set(node!, Math.max(statSync(path).mtimeMs, written.get(node!) ?? 0));
    }
  }
  return [...written.values()];
}

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
