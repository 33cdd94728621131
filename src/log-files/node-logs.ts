import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { plainName } from "./compression.js";
import { secondInName } from "./log-file-names.js";

/** The log files of one node, in the layout of cardano-tracer and Muninn. */
export interface NodeLogs {
  /** The directory's name. */
  readonly node: string;
  /** Paths in the order written, which is the order of their names. */
  readonly files: readonly string[];
  /** Total size of the files, as stored. */
  readonly bytes: number;
}

/** The machine-readable form; in the form for people the end of a line cannot be recognised. */
const extension = "json";

/** The node that a file of lines belongs to: for a log its directory's name, for another file the file's own name. */
export function nodeOfFile(path: string): string {
  const name = basename(path);
  return isLogFile(name) ? basename(dirname(resolve(path))) : plainName(name).replace(/\.[^.]+$/, "");
}

/** Whether a file has the name of a machine-readable log, compressed or not; the link `node.json` does not. */
function isLogFile(name: string): boolean {
  return secondInName(plainName(name), extension) !== undefined;
}

/**
 * Finds the nodes below a `logRoot`; a directory that itself contains log files counts as one node's. Directories without
 * log files are left out, and so is everything hidden.
 * @throws what the file system throws
 */
export async function findNodeLogs(directory: string): Promise<NodeLogs[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.isFile() && isLogFile(entry.name)))
    return [await nodeLogs(directory, basename(resolve(directory)))];
  const nodes: NodeLogs[] = [];
  for (const entry of entries.toSorted(byName)) {
    // Hidden entries are not nodes: Muninn keeps its claims in `.muninn`.
    if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
    const logs = await nodeLogs(join(directory, entry.name), entry.name);
    if (logs.files.length > 0) nodes.push(logs);
  }
  return nodes;
}

async function nodeLogs(directory: string, node: string): Promise<NodeLogs> {
  const entries = await readdir(directory, { withFileTypes: true });
  // Shorter names come first: while a file is being compressed, the plain one counts.
  const byPlainName = new Map<string, string>();
  for (const entry of entries.toSorted(byName)) {
    const plain = plainName(entry.name);
    if (entry.isFile() && isLogFile(entry.name) && !byPlainName.has(plain))
      byPlainName.set(plain, entry.name);
  }
  const files: string[] = [];
  let bytes = 0;
  for (const name of byPlainName.values()) {
    const file = join(directory, name);
    // Retention may have just removed it.
    const size = await stat(file).then(
      (found) => found.size,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
        return undefined;
      },
    );
    if (size === undefined) continue;
    files.push(file);
    bytes += size;
  }
  return { node, files, bytes };
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1;
}
