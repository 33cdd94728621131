import { lstatSync } from "node:fs";
import { lstat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Look } from "./file-system.js";

/** File systems of this machine, by their numbers in linux/magic.h. */
const local: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x5846_5342, // XFS
  0x9123_683e, // Btrfs
  0xf2f5_2010, // F2FS
  0x0102_1994, // tmpfs
  0x794c_7630, // overlayfs
]);

const othersMayWrite = 0o022;

/**
 * A look at the names of open files below `root` that does not go to libuv's thread pool, which costs more than the
 * call: the kernel keeps the names of open files in memory. Undefined if one of the file systems on the way there
 * asks elsewhere all the same, as those of servers and FUSE do: while no answer comes, everything would stall. Also if
 * others may write in the root: a link in a directory's place can lead to such a file system.
 *
 * @param root its real path, absolute
 */
export async function quickLook(root: string): Promise<Look | undefined> {
  if (!(await isOursAlone(root))) return undefined;
  let directory = root;
  while (await isLocal(directory)) {
    if (directory === "/") return (path) => lstatSync(path, { bigint: true, throwIfNoEntry: false });
    directory = dirname(directory);
  }
  return undefined;
}

async function isOursAlone(root: string): Promise<boolean> {
  try {
    const { mode, uid } = await lstat(root);
    return (mode & othersMayWrite) === 0 && [0, process.geteuid?.()].includes(uid);
  } catch {
    return false;
  }
}

async function isLocal(directory: string): Promise<boolean> {
  try {
    return local.has((await statfs(directory)).type);
  } catch {
    return false;
  }
}
