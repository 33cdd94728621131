import { setTimeout as sleep } from "node:timers/promises";
import { FollowedNode } from "./followed-node.js";
import { findNodes, isMissing, type LogFile, logFilesOf, type NodeDirectory } from "./log-tree.js";
import type { NodeHistory } from "./node-lines.js";
import { lastLines, linesSince, matchingLines, type Wanted } from "./recent-lines.js";
import { type OpenStoredBytes, type StoredBytes, storedBytesOpener } from "./stored-bytes.js";
import { endOfLines } from "./stored-lines.js";
import { TailError } from "./tail-error.js";
import type { TracedLine } from "./traced-line.js";
import { refuseUnknownNodes } from "./unknown-node.js";

const mib = 1024 * 1024;
/** Most memory, of all nodes together, for compressed files and for added lines. */
const windowsBytes = 256 * mib;
const addedBytes = 16 * mib;

const pauseMs = 200;
/** New files and new nodes are looked for after this many pauses. */
const pausesPerLook = 5;

/** Which lines of the logs below a directory are shown. */
export interface FilesToTail {
  readonly root: string;
  /** Names of nodes; none means all. */
  readonly nodes: readonly string[];
  /** How many of the last lines; undefined means all that match. */
  readonly count: number | undefined;
  /** `since` must be given if `count` is not. */
  readonly wanted: Wanted;
  readonly follow: boolean;
  /** Called with what could not be read. */
  readonly remark: (sentence: string) => void;
  /** @default 200 ms */
  readonly pause?: () => Promise<unknown>;
  /** @default opens the file */
  readonly open?: OpenStoredBytes;
}

/**
 * The lines of logs in the order of their times: first existing ones, then, if it follows, those that are added, without end.
 * Added lines are sorted by time as far as they are read together.
 * @throws TailError, and what the file system throws
 */
export async function* tailFiles(options: FilesToTail): AsyncGenerator<readonly TracedLine[]> {
  const { root, nodes: names, count, wanted, follow, remark } = options;
  const nodes = chosen(await findNodes(root), names, options);
  const window = Math.round(Math.min(16 * mib, Math.max(mib, windowsBytes / (nodes.length + 1))));
  const open = options.open ?? storedBytesOpener(window, remark);
  const histories = await Promise.all(nodes.map((directory) => historyOf(directory, follow, open)));
  const followed = new FollowedNodes(options);
  try {
    // Opened before anything is read, so that a rotation meanwhile loses nothing.
    if (follow) await followed.begin(histories);
    if (count === undefined) yield* linesSince(histories, wanted.since ?? 0n, wanted, { open, remark });
    else yield await lastLines(histories, count, wanted, { open, remark });
    if (follow) yield* followed.lines();
  } finally {
    await followed.close();
  }
}

/** @throws TailError */
function chosen(
  found: readonly NodeDirectory[],
  names: readonly string[],
  { root, follow }: FilesToTail,
): readonly NodeDirectory[] {
  const known = found.map(({ node }) => node);
  refuseUnknownNodes(names, known, `below ${root}`);
  if (found.length === 0 && !follow)
    throw new TailError("unknown-node", `there are no log files below ${root}`);
  return names.length === 0 ? found : found.filter(({ node }) => names.includes(node));
}

/** If it follows, the existing lines end with the last whole one; otherwise with the end of the file. */
async function historyOf(
  directory: NodeDirectory,
  follow: boolean,
  open: OpenStoredBytes,
): Promise<NodeHistory> {
  const files = await logFilesOf(directory);
  const last = files.at(-1);
  if (!follow || last === undefined || last.isCompressed) return { directory, files };
  const stored = await openIfThere(last, open);
  // The file was removed after it was listed: list them again.
  if (stored === undefined) return historyOf(directory, follow, open);
  try {
    return { directory, files, endOfLast: await endOfLines(stored) };
  } finally {
    await stored.close();
  }
}

async function openIfThere(file: LogFile, open: OpenStoredBytes): Promise<StoredBytes | undefined> {
  try {
    return await open(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Follows the logs of many nodes, also of nodes that are new. */
class FollowedNodes {
  readonly #options: FilesToTail;
  readonly #nodes = new Map<string, FollowedNode>();

  constructor(options: FilesToTail) {
    this.#options = options;
  }

  async begin(histories: readonly NodeHistory[]): Promise<void> {
    await Promise.all(
      histories.map(({ directory, files, endOfLast = 0 }) => this.#add(directory).begin(files, endOfLast)),
    );
  }

  async *lines(): AsyncGenerator<TracedLine[]> {
    const { wanted, pause = () => sleep(pauseMs) } = this.#options;
    for (let round = 0; ; round += 1) {
      if (round % pausesPerLook === 0) await this.#look();
      const added = await this.#added();
      yield matchingLines(added, wanted);
      if (added.length === 0) await pause();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
  }

  async #look(): Promise<void> {
    for (const directory of await this.#found())
      if (!this.#nodes.has(directory.node) && this.#isWanted(directory)) this.#add(directory);
    await Promise.all([...this.#nodes.values()].map((node) => node.look()));
  }

  /** Empty while the root itself is missing. */
  async #found(): Promise<readonly NodeDirectory[]> {
    try {
      return await findNodes(this.#options.root);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async #added(): Promise<TracedLine[]> {
    const nodes = [...this.#nodes.values()];
    const mostBytes = Math.round(Math.min(256 * 1024, Math.max(16 * 1024, addedBytes / (nodes.length + 1))));
    const lines = (await Promise.all(nodes.map((node) => node.poll(mostBytes)))).flat();
    return lines.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  }

  #isWanted({ node }: NodeDirectory): boolean {
    return this.#options.nodes.length === 0 || this.#options.nodes.includes(node);
  }

  #add(directory: NodeDirectory): FollowedNode {
    const followed = new FollowedNode(directory, this.#options.remark);
    this.#nodes.set(directory.node, followed);
    return followed;
  }
}
