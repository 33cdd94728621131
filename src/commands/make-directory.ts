import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UsageError } from "./foreseen-errors.js";

/**
 * Creates a directory, and those above it. Not with Node's `recursive`, which retries forever if the kernel says that a
 * parent is missing although it exists, as below `/proc`.
 * @throws UsageError if something else is in its place, and what the file system throws
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      if (!(await stat(path)).isDirectory()) throw new UsageError(`${path} exists and is not a directory`);
      return;
    }
    if (code !== "ENOENT" || (await isThere(dirname(path)))) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
