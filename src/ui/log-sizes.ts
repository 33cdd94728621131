import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { plainName } from "../log-files/compression.js";
import { secondInName } from "../log-files/log-file-names.js";
import type { LogSummary } from "./answers.js";

/** Most directories read, and most files listed of each. */
const maxDirectories = 2_000;
const maxFilesListed = 50;
/** Most files read in one directory. */
const maxFiles = 10_000;

const extensions = ["json", "log"];

/** The log files below the roots, compressed ones too. What cannot be read is left out: health says so. */
export async function logSizes(
  roots: readonly string[],
): Promise<{ readonly logs: readonly LogSummary[]; readonly left: number }> {
  const logs: LogSummary[] = [];
  let left = 0;
  for (const root of roots) {
    const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
    // Hidden directories belong to no node.
    const directories = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
    for (const { name } of directories.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      if (logs.length >= maxDirectories) left += 1;
      else logs.push(await logIn(root, name));
    }
  }
  return { logs, left };
}

async function logIn(root: string, directory: string): Promise<LogSummary> {
  const names = await readdir(join(root, directory)).catch(() => []);
  const logNames = names.filter((name) =>
    extensions.some((extension) => secondInName(plainName(name), extension) !== undefined),
  );
  // Names sort by time.
  const newestFirst = logNames.sort().reverse().slice(0, maxFiles);
  let bytes = 0;
  const files: { name: string; bytes: number; changedAt: number }[] = [];
  for (const name of newestFirst) {
    const found = await stat(join(root, directory, name)).catch(() => undefined);
    if (found === undefined) continue;
    bytes += found.size;
    if (files.length < maxFilesListed)
      files.push({ name, bytes: found.size, changedAt: Math.trunc(found.mtimeMs) });
  }
  return { root, directory, files, left: Math.max(0, logNames.length - files.length), bytes };
}
