import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** The log files of one node, as cardano-tracer and Muninn lay them out. */
export interface NodeLogs {
  /** The directory's name. */
  readonly node: string;
  /** Paths in the order written, which is the order of their names. */
  readonly files: readonly string[];
  readonly bytes: number;
}

/** `node-2026-02-16T09-30-01.json` */
const logFile = /^node-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.json$/;

/** The node that a file of lines belongs to: a log's is that of its directory, another file is named like the node. */
export function nodeOfFile(path: string): string {
  const name = basename(path);
  return isLogFileName(name) ? basename(dirname(resolve(path))) : name.replace(/\.[^.]+$/, "");
}

/** Whether a file has the name of a machine-readable log; `node.json`, the link, has not. */
function isLogFileName(name: string): boolean {
  return logFile.test(name);
}

/**
 * Finds the nodes below a `logRoot`, or takes the directory for one node's where log files lie in it.
 * Directories without log files are left out.
 * @throws what the file system throws
 */
export async function findNodeLogs(directory: string): Promise<NodeLogs[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.isFile() && isLogFileName(entry.name))) {
    const own = await nodeLogs(directory, basename(resolve(directory)));
    return own === undefined ? [] : [own];
  }
  const nodes: NodeLogs[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory()) continue;
    const logs = await nodeLogs(join(directory, entry.name), entry.name);
    if (logs !== undefined) nodes.push(logs);
  }
  return nodes;
}

async function nodeLogs(directory: string, node: string): Promise<NodeLogs | undefined> {
  const names = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && isLogFileName(entry.name))
    .map((entry) => entry.name)
    .sort();
  if (names.length === 0) return undefined;
  const files = names.map((name) => join(directory, name));
  let bytes = 0;
  for (const file of files) bytes += (await stat(file)).size;
  return { node, files, bytes };
}
