import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UsageError } from "./foreseen-errors.js";

/**
 * Makes a directory, and those above it. Not by Node's own `recursive`: where the kernel answers that a parent is not there
 * although it is, as below `/proc`, that tries again forever.
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
