import fs from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { Permits } from "./permits.js";
import { type DirectoryEntry, type IsWanted, readDirectory } from "./read-directory.js";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** What `lstat` and `fstat` return, with bigints: inode numbers of stacked file systems may be too large for a double. */
export interface FileStatus {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly size: bigint;
  /** When it was last written to, in milliseconds since 1970. */
  readonly mtimeMs: bigint;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** Finds what has this name; undefined if nothing has. At once, where the kernel has the answer in memory. */
export type Look = (path: string) => FileStatus | undefined | Promise<FileStatus | undefined>;

/** What the registry asks of a file system, so that a test can put itself between it and the kernel. */
export interface FileSystem {
  /** A new file gets exactly `mode`; if that is absent, 0644 less the umask. */
  open(path: string, flags: number, mode?: number): Promise<number>;
  close(fd: number): Promise<void>;
  /** Writes bytes of `pieces`, in order; resolves with how many, which may be fewer than all. */
  write(fd: number, pieces: readonly Uint8Array[]): Promise<number>;
  /** Reads at most `length` bytes from `position` on. */
  read(fd: number, length: number, position: number): Promise<Uint8Array>;
  ftruncate(fd: number, length: number): Promise<void>;
  fdatasync(fd: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  fstat(fd: number): Promise<FileStatus>;
  lstat(path: string): Promise<FileStatus>;
  readdir(path: string, isWanted?: IsWanted): Promise<DirectoryEntry[]>;
  /** It gets exactly `mode`; if that is absent, 0755 less the umask. */
  mkdir(path: string, mode: number | undefined): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readlink(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const fchmod = promisify(fs.fchmod);
const unlink = promisify(fs.unlink);
const lstat = promisify(fs.lstat);
const fstat = promisify(fs.fstat);
const read = promisify(fs.read);
const mkdir = promisify(fs.mkdir);

/** By default others can never write here, whatever the umask says. */
const defaultMode = 0o644;
const defaultDirMode = 0o755;

/** The kernel's file system. It uses bare descriptors, because a `FileHandle` makes every call dearer. */
export const kernelFileSystem: FileSystem = {
  open: async (path, flags, mode) => {
    const fd = await open(path, flags, mode ?? defaultMode);
    if (mode === undefined) return fd;
    try {
      await fchmod(fd, mode);
      return fd;
    } catch (error) {
      await close(fd);
      // Otherwise every attempt would leave an empty file.
      if ((flags & fs.constants.O_EXCL) !== 0) await unlink(path);
      throw error;
    }
  },
  close,
  write: (fd, pieces) =>
    new Promise((resolve, reject) => {
      const done = (error: NodeJS.ErrnoException | null, written: number) =>
        error === null ? resolve(written) : reject(error);
      if (pieces.length === 1) fs.write(fd, pieces[0]!, done);
      else fs.writev(fd, pieces, done);
    }),
  read: async (fd, length, position) => {
    const { buffer, bytesRead } = await read(fd, Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  },
  ftruncate: promisify(fs.ftruncate),
  fdatasync: promisify(fs.fdatasync),
  fsync: promisify(fs.fsync),
  fstat: (fd) => fstat(fd, { bigint: true }),
  lstat: (path) => lstat(path, { bigint: true }),
  readdir: readDirectory,
  mkdir: async (path, mode) => {
    await mkdir(path, defaultDirMode);
    if (mode === undefined) return;
    // Not by its name, which may lead elsewhere now.
    const fd = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      await fchmod(fd, mode);
    } finally {
      await close(fd);
    }
  },
  symlink: (target, path) => fs.promises.symlink(target, path),
  readlink: promisify(fs.readlink),
  rename: promisify(fs.rename),
  unlink,
};

export interface BoundedFileSystem extends FileSystem {
  /** Like `write`, but gets the pieces when its turn comes; resolves with 0 if there are none. */
  writeInTurn(fd: number, pieces: () => readonly Uint8Array[]): Promise<number>;
  readonly lookUp: Look;
  /** Makes `lookUp` ask this from now on, or, without it, `lstat` in its turn. */
  lookWith(look: Look | undefined): void;
}

/**
 * The same file system with at most `limit` calls at a time; further ones wait their turn. A call that hangs occupies a
 * thread of libuv's pool, so without a limit one dead disk would stop every other file. `look` is what `lookUp` uses, by
 * default `lstat` in its turn.
 */
export function boundedFileSystem(fileSystem: FileSystem, limit: number, look?: Look): BoundedFileSystem {
  const permits = new Permits(limit);
  const inTurn = async <Result>(call: () => Result | Promise<Result>): Promise<Result> => {
    // For each batch there are some of these calls, and a promise that need not be is a good part of what they cost.
    if (!permits.takeNow()) await permits.take();
    try {
      return await call();
    } finally {
      permits.giveBack();
    }
  };
  const bounded =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      inTurn(() => call(...args));
  const lstat = bounded(fileSystem.lstat.bind(fileSystem));
  const usualLook: Look = (path) => ifThere(lstat(path));
  let lookUp = look ?? usualLook;
  return {
    open: bounded(fileSystem.open.bind(fileSystem)),
    close: bounded(fileSystem.close.bind(fileSystem)),
    write: bounded(fileSystem.write.bind(fileSystem)),
    writeInTurn: (fd, pieces) =>
      inTurn(() => {
        const ready = pieces();
        return ready.length === 0 ? 0 : fileSystem.write(fd, ready);
      }),
    read: bounded(fileSystem.read.bind(fileSystem)),
    ftruncate: bounded(fileSystem.ftruncate.bind(fileSystem)),
    fdatasync: bounded(fileSystem.fdatasync.bind(fileSystem)),
    fsync: bounded(fileSystem.fsync.bind(fileSystem)),
    fstat: bounded(fileSystem.fstat.bind(fileSystem)),
    lstat,
    lookUp: (path) => lookUp(path),
    lookWith: (other) => {
      lookUp = other ?? usualLook;
    },
    readdir: bounded(fileSystem.readdir.bind(fileSystem)),
    mkdir: bounded(fileSystem.mkdir.bind(fileSystem)),
    symlink: bounded(fileSystem.symlink.bind(fileSystem)),
    readlink: bounded(fileSystem.readlink.bind(fileSystem)),
    rename: bounded(fileSystem.rename.bind(fileSystem)),
    unlink: bounded(fileSystem.unlink.bind(fileSystem)),
  };
}

/** Whether a call failed with one of these codes. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? "");
}

/** What the call resolves with; undefined if it fails because nothing has that name. */
export async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (failedWith(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** The nearest existing directory at or above `path`, and the missing ones below it, topmost first. */
export async function nearestThere(
  fileSystem: FileSystem,
  path: string,
): Promise<{ there: string; status: FileStatus; missing: readonly string[] }> {
  const missing: string[] = [];
  for (let there = path; ; there = dirname(there)) {
    const status = await ifThere(fileSystem.lstat(there));
    if (status !== undefined) return { there, status, missing };
    missing.unshift(there);
  }
}

/**
 * Creates a directory, unless another process just has. One at a time: on a full or read-only disk Node's recursive
 * `mkdir` reports that there is no such file.
 */
export async function makeDirectory(
  fileSystem: FileSystem,
  path: string,
  mode: number | undefined,
): Promise<void> {
  try {
    await fileSystem.mkdir(path, mode);
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
  }
}

/** An error like the system's, for something that we refuse although the kernel would do it. */
export function refusal(code: string, syscall: string, path: string, reason: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${reason}, ${syscall} '${path}'`), { code, syscall, path });
}
