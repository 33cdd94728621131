import { join } from "node:path";
import { boundedFileSystem, type FileSystem, kernelFileSystem } from "./file-system.js";

/** Most looks below a root at the same time: on a disk that hangs each holds one of the threads that write logs. */
const mostLooks = 4;

/** Resolves whether a node's directory is below one of the roots; on a disk that hangs, never. */
export function knownDirectories(
  roots: readonly string[],
  fileSystem: FileSystem = kernelFileSystem,
): (directory: string) => Promise<boolean> {
  const bounded = roots.map((root) => ({ root, files: boundedFileSystem(fileSystem, mostLooks) }));
  return async (directory) => {
    const looks = bounded.map(({ root, files }) => files.lstat(join(root, directory)));
    const found = await Promise.allSettled(looks);
    return found.some(({ status }) => status === "fulfilled");
  };
}
