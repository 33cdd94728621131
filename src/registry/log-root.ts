import { type BoundedFileSystem, makeDirectory, nearestThere, refusal } from "./file-system.js";
import type { HandlePool } from "./handle-pool.js";
import type { RootLock } from "./root-lock.js";

export interface LogRootOptions {
  /** Its real path, as found at the start. */
  readonly path: string;
  /** Its device at the start. */
  readonly device: bigint;
  readonly dirMode: number | undefined;
  readonly fileSystem: BoundedFileSystem;
  readonly pool: HandlePool;
  readonly lock: RootLock;
}

/**
 * A directory that logs are written below. It has its own share of handles and of file operations, so that one
 * whose disk hangs takes nothing from the others.
 */
export class LogRoot {
  readonly path: string;
  readonly fileSystem: BoundedFileSystem;
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
    const { there, status, missing } = await nearestThere(this.fileSystem, this.path);
    if (!status.isDirectory()) throw refusal("ENOTDIR", "lstat", there, "not a directory");
    if (status.dev !== this.#device) {
      throw refusal("ENODEV", "lstat", there, "on another device than at the start, unmounted?");
    }
    for (const directory of missing) await makeDirectory(this.fileSystem, directory, this.#dirMode);
    if (missing.length > 0) await this.lock.takeAgain();
  }
}
