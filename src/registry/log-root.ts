import { dirname } from "node:path";
import { type FileSystem, ifThere, refusal } from "./file-system.js";
import type { HandlePool } from "./handle-pool.js";
import type { RootLock } from "./root-lock.js";

export interface LogRootOptions {
  /** Its real path, as found at the start. */
  readonly path: string;
  /** Its device at the start. */
  readonly device: bigint;
  readonly dirMode: number | undefined;
  readonly fileSystem: FileSystem;
  readonly pool: HandlePool;
  readonly lock: RootLock;
}

/**
 * A directory that logs are written below. It has its own share of handles and of file operations, so that one
 * whose disk hangs takes nothing from the others.
 */
export class LogRoot {
  readonly path: string;
  readonly fileSystem: FileSystem;
  readonly pool: HandlePool;
  readonly lock: RootLock;
  readonly #device: bigint;
  readonly #dirMode: number | undefined;

  constructor({ path, device, dirMode, fileSystem, pool, lock }: LogRootOptions) {
    this.path = path;
    this.fileSystem = fileSystem;
    this.pool = pool;
    this.lock = lock;
    this.#device = device;
    this.#dirMode = dirMode;
  }

  /**
   * Makes the root again where it vanished. A root on another device than at the start is an unmounted volume:
   * what is written there now would be hidden, and missing, as soon as the volume is back.
   */
  async ensure(): Promise<void> {
    let path = this.path;
    let status = await ifThere(this.fileSystem.lstat(path));
    const isMissing = status === undefined;
    while (status === undefined) {
      path = dirname(path);
      status = await ifThere(this.fileSystem.lstat(path));
    }
    if (!status.isDirectory()) throw refusal("ENOTDIR", "lstat", path, "not a directory");
    if (status.dev !== this.#device) {
      throw refusal("ENODEV", "lstat", path, "on another device than at the start, unmounted?");
    }
    if (!isMissing) return;
    await this.fileSystem.mkdir(this.path, this.#dirMode);
    await this.lock.takeAgain();
  }
}
