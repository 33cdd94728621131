import { constants } from "node:fs";
import { join } from "node:path";
import { linkName, logFileName, newerThanBefore, secondForNew } from "../log-files/log-file-names.js";
import { type FileSystem, failedWith, ifThere, makeDirectory, refusal } from "./file-system.js";
import type { LogRoot } from "./log-root.js";
import { type OpenDirectory, refuseAllButDirectory } from "./open-directory.js";
import type { DirectoryEntry } from "./read-directory.js";

const { O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Non-blocking makes no difference for files, and prevents a named pipe in a file's place from hanging us. */
const appending = O_APPEND | O_NOFOLLOW | O_NONBLOCK;

/** There is nothing, or a link, a directory, a pipe, a socket. */
const nameLeadsElsewhere = ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "ENXIO", "EINVAL"];

/** One file of a log; it stays the same when it is closed and reopened. */
export interface LogFile {
  readonly name: string;
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Bytes in it. */
  size: number;
}

export interface OpenedFile {
  readonly file: LogFile;
  readonly fd: number;
}

export interface LogDirectoryOptions {
  readonly root: LogRoot;
  readonly directory: string;
  readonly extension: string;
  /** Permission bits of files; absent: the umask decides, and others can never write. */
  readonly mode: number | undefined;
  /** Permission bits of directories; absent: the umask decides, and others can never write. */
  readonly dirMode: number | undefined;
}

/** Where the files of one log are, and how they are started and found there. */
export class LogDirectory {
  readonly path: string;
  readonly #options: LogDirectoryOptions;
  readonly #fileSystem: FileSystem;
  /** Whether the directory was created and its parent has not been synced since. */
  #isNew = false;

  constructor(options: LogDirectoryOptions) {
    this.#options = options;
    this.#fileSystem = options.root.fileSystem;
    this.path = join(options.root.path, options.directory);
  }

  /**
   * The name of the newest file; undefined if there is none, or something else has the newest name. Creates a missing
   * directory.
   */
  async newest(): Promise<string | undefined> {
    await this.#ensure();
    const newest = await this.#visit((directory) => this.#newestIn(directory));
    return newest?.isFile() ? newest.name : undefined;
  }

  /** Opens a file left by another process, also for reading its end. */
  async open(name: string): Promise<OpenedFile> {
    return this.#visit(async (directory) => {
      const fd = await this.#fileSystem.open(directory.at(name), O_RDWR | appending);
      return this.#opened(fd, name);
    });
  }

  /** Reopens a file and resolves with its descriptor, or with undefined if its name leads elsewhere now. */
  async reopen(file: LogFile): Promise<number | undefined> {
    let again: OpenedFile;
    try {
      again = await this.#visit(async (directory) => {
        const fd = await this.#fileSystem.open(directory.at(file.name), O_WRONLY | appending);
        return this.#opened(fd, file.name);
      });
    } catch (error) {
      if (failedWith(error, ...nameLeadsElsewhere)) return undefined;
      throw error;
    }
    if (again.file.dev === file.dev && again.file.ino === file.ino) return again.fd;
    await this.#fileSystem.close(again.fd);
    return undefined;
  }

  /**
   * Starts a file that sorts after all others: named after this second, or the next free one. Created exclusively, so that
   * nothing is ever truncated or overwritten.
   */
  async create(nowMs: number, last: string | undefined): Promise<OpenedFile> {
    const { extension, mode } = this.#options;
    await this.#ensure();
    return this.#visit(async (directory) => {
      const newest = await this.#newestIn(directory);
      const names = newest === undefined ? [] : [newest.name];
      for (let second = secondForNew(names, extension, nowMs, last); ; second += 1) {
        const name = logFileName(second, extension);
        let fd: number;
        try {
          fd = await this.#fileSystem.open(directory.at(name), O_WRONLY | O_CREAT | O_EXCL | appending, mode);
        } catch (error) {
          if (failedWith(error, "EEXIST")) continue;
          throw error;
        }
        try {
          return await this.#opened(fd, name);
        } catch (error) {
          // Otherwise every attempt would leave an empty file.
          await this.#fileSystem.unlink(directory.at(name)).catch(() => {});
          throw error;
        }
      }
    });
  }

  /** Points the link at the file `name`, atomically; anything else of that name is left alone. */
  async link(name: string): Promise<void> {
    await this.#visit(async (directory) => {
      const link = directory.at(linkName(this.#options.extension));
      if ((await this.#linkTarget(link)) === name) return;
      const temporary = directory.at(`.${linkName(this.#options.extension)}.tmp`);
      await ifThere(this.#fileSystem.unlink(temporary));
      await this.#fileSystem.symlink(name, temporary);
      try {
        await this.#fileSystem.rename(temporary, link);
      } catch (error) {
        await this.#fileSystem.unlink(temporary).catch(() => {});
        throw error;
      }
    });
  }

  /** Makes the names in it survive a power failure. */
  async sync(): Promise<void> {
    await this.#visit(({ fd }) => this.#fileSystem.fsync(fd));
    if (this.#isNew) await this.#options.root.sync();
    this.#isNew = false;
  }

  #visit<T>(work: (directory: OpenDirectory) => Promise<T>): Promise<T> {
    return this.#options.root.visit(this.#options.directory, work);
  }

  /** The entry with the newest name of a log file. */
  async #newestIn({ self }: OpenDirectory): Promise<DirectoryEntry | undefined> {
    const isNewer = newerThanBefore(this.#options.extension);
    return (await this.#fileSystem.readdir(self, ({ name }) => isNewer(name))).at(-1);
  }

  async #linkTarget(link: string): Promise<string | undefined> {
    try {
      return await ifThere(this.#fileSystem.readlink(link));
    } catch (error) {
      if (failedWith(error, "EINVAL"))
        throw refusal("EEXIST", "symlink", link, "what is there is not a link");
      throw error;
    }
  }

  /** Links are not followed: one instead of a directory may lead anywhere. */
  async #ensure(): Promise<void> {
    await this.#options.root.ensure();
    const status = await ifThere(this.#fileSystem.lstat(this.path));
    if (status !== undefined) refuseAllButDirectory(this.path, status);
    if (status !== undefined) return;
    await makeDirectory(this.#fileSystem, this.path, this.#options.dirMode);
    this.#isNew = true;
  }

  /** Checks a file just opened, and closes it if it cannot be used. */
  async #opened(fd: number, name: string): Promise<OpenedFile> {
    const path = join(this.path, name);
    try {
      const status = await this.#fileSystem.fstat(fd);
      if (!status.isFile()) throw refusal("EINVAL", "open", path, "not a regular file");
      const { dev, ino, size } = status;
      return { fd, file: { name, path, dev, ino, size: Number(size) } };
    } catch (error) {
      await this.#fileSystem.close(fd).catch(() => {});
      throw error;
    }
  }
}
