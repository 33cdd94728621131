import { constants } from "node:fs";
import { join } from "node:path";
import { linkName, logFileName, newestAmong, secondForNew } from "../log-files/log-file-names.js";
import { type FileSystem, failedWith, ifThere, makeDirectory, refusal } from "./file-system.js";
import type { LogRoot } from "./log-root.js";
import { type OpenDirectory, refuseAllButDirectory } from "./open-directory.js";

const { O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Not blocking means nothing for files, and that a named pipe in the place of one does not hang us. */
const appending = O_APPEND | O_NOFOLLOW | O_NONBLOCK;

/** Nothing exists there, or a link, a directory, a pipe, a socket. */
const nameLeadsElsewhere = ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "ENXIO", "EINVAL"];

/** One file of a log; the same one while it is closed and opened again. */
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
  /** Permission bits of files; absent: the umask decides, others never write. */
  readonly mode: number | undefined;
  /** Permission bits of directories; absent: the umask decides, others never write. */
  readonly dirMode: number | undefined;
}

/** Where the files of one log are, and how they are started and found there. */
export class LogDirectory {
  readonly path: string;
  readonly #options: LogDirectoryOptions;
  readonly #fileSystem: FileSystem;
  /** The directory was made, and its parent was not synced since. */
  #isNew = false;

  constructor(options: LogDirectoryOptions) {
    this.#options = options;
    this.#fileSystem = options.root.fileSystem;
    this.path = join(options.root.path, options.directory);
  }

  /**
   * The name of the newest file; undefined if there is none, or something else has the newest name. Makes the
   * directory where it is missing.
   */
  async newest(): Promise<string | undefined> {
    await this.#ensure();
    const entries = await this.#visit(({ self }) => this.#fileSystem.readdir(self));
    const newest = newestAmong(
      entries.map(({ name }) => name),
      this.#options.extension,
    );
    return entries.find(({ name }) => name === newest)?.isFile() ? newest : undefined;
  }

  /** Opens a file that another process has left, for reading its end as well. */
  async open(name: string): Promise<OpenedFile> {
    return this.#visit(async (directory) => {
      const fd = await this.#fileSystem.open(directory.at(name), O_RDWR | appending);
      return this.#opened(fd, name);
    });
  }

  /** Opens a file again and resolves with its descriptor; with undefined if its name leads elsewhere now. */
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
   * Begins a file that sorts after all others: of this second, or of the next one that is free. Exclusive, so that
   * nothing is ever truncated or overwritten.
   */
  async create(nowMs: number, last: string | undefined): Promise<OpenedFile> {
    const { extension, mode } = this.#options;
    await this.#ensure();
    return this.#visit(async (directory) => {
      const names = (await this.#fileSystem.readdir(directory.self)).map(({ name }) => name);
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

  /** Points the link at the file `name`, at once and for every reader; what is no link is left alone. */
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

  /** Looks at a file just opened, and closes it where it cannot be used. */
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
