import { dirname, join } from "node:path";
import type { Holder } from "./claim-file.js";
import type { Clock } from "./clock.js";
import {
  type BoundedFileSystem,
  type FileStatus,
  type Look,
  makeDirectory,
  nearestThere,
  refusal,
} from "./file-system.js";
import type { HandlePool } from "./handle-pool.js";
import { type OpenDirectory, openDirectory, withKnownPath } from "./open-directory.js";
import { Permits } from "./permits.js";
import type { DirectoryClaim, RootClaims } from "./root-claims.js";

/** An empty file system in the root's place is accepted after this time: then it was not unmounted by mistake. */
const emptyDiskMs = 300_000;
/** Entries of a newly created file system. */
const newDiskNames = ["lost+found"];

export interface LogRootOptions {
  /** Its real path, as found at the start. */
  readonly path: string;
  /** Its device at the start. */
  readonly device: bigint;
  readonly dirMode: number | undefined;
  readonly clock: Clock;
  readonly fileSystem: BoundedFileSystem;
  readonly pool: HandlePool;
  readonly claims: RootClaims;
  /** Handles below it, including those of directories. */
  readonly handles: number;
  /** Directories open at the same time, at least one. */
  readonly mostDirectories: number;
  /** Whether names can be followed through open directories. */
  readonly canHold: boolean;
  /** What looks up names on the file system that the root is on now, see `quickLook`. */
  readonly findLook: () => Promise<Look | undefined>;
}

/**
 * A directory below which logs are written. Each has its own share of handles and of file operations, so that one whose
 * disk hangs takes nothing from the others.
 */
export class LogRoot {
  readonly path: string;
  readonly handles: number;
  readonly fileSystem: BoundedFileSystem;
  readonly pool: HandlePool;
  readonly claims: RootClaims;
  /** Called when another disk is used: files on the previous one must be released. */
  onReplaced: () => void = () => {};
  readonly #options: LogRootOptions;
  #device: bigint;
  readonly #visits: Permits;
  readonly #closing = new Set<Promise<void>>();
  /** A disk in place of ours that could be accepted, and since when, monotonic. */
  #other: { readonly device: bigint; readonly since: number } | undefined;
  /** The operator says that the current disk is right. */
  #takesAny = false;
  #taking: Promise<void> | undefined;

  constructor(options: LogRootOptions) {
    this.#options = options;
    this.path = options.path;
    this.handles = options.handles;
    this.fileSystem = options.fileSystem;
    this.pool = options.pool;
    this.claims = options.claims;
    this.#device = options.device;
    this.#visits = new Permits(options.mostDirectories);
  }

  /**
   * Recreates the root if it vanished. A root on another device than before is usually an unmounted volume: what is written
   * there now would be hidden, and missing, as soon as the volume is back.
   */
  async ensure(): Promise<void> {
    const { there, status, missing } = await nearestThere(this.fileSystem, this.path);
    if (!status.isDirectory()) throw refusal("ENOTDIR", "lstat", there, "not a directory");
    const isOther = status.dev !== this.#device;
    if (!isOther) this.#other = undefined;
    if (isOther && !(await this.#mayTake(status, missing.length > 0))) {
      throw refusal("ENODEV", "lstat", there, "another disk than before, or none: unmounted?");
    }
    for (const directory of missing) await makeDirectory(this.fileSystem, directory, this.#options.dirMode);
    if (isOther) await this.#take(status.dev);
    else if (missing.length > 0) await this.claims.moveIn({ isOther: false });
  }

  /** Claims a node's directory for this tracer alone; otherwise gives the tracer that has it. */
  async claimDirectory(directory: string): Promise<DirectoryClaim | { readonly holder: Holder }> {
    await this.ensure();
    return this.claims.hold(directory);
  }

  /** Accepts the current disk, whatever it is. */
  async takeWhatIsThere(): Promise<void> {
    this.#takesAny = true;
    try {
      await this.ensure();
    } finally {
      this.#takesAny = false;
    }
  }

  /**
   * Calls `work` with a node's directory, which is opened once: whatever replaces it meanwhile is not touched. Waits while
   * too many are open; `work` must not wait for a handle.
   */
  async visit<T>(name: string, work: (directory: OpenDirectory) => Promise<T>): Promise<T> {
    await this.#visits.take();
    let directory: OpenDirectory;
    try {
      directory = await openDirectory(this.fileSystem, join(this.path, name), this.#options.canHold);
    } catch (error) {
      this.#visits.giveBack();
      throw error;
    }
    try {
      return await work(directory);
    } catch (error) {
      throw withKnownPath(error, directory);
    } finally {
      this.#leave(directory);
    }
  }

  /** Makes the names of directories survive a power failure. */
  async sync(): Promise<void> {
    await this.visit(".", ({ fd }) => this.fileSystem.fsync(fd));
  }

  /** Resolves when every started close is done. */
  async closed(): Promise<void> {
    await Promise.all([this.pool.closed(), ...this.#closing]);
  }

  /** Not waited for: nothing was written by this handle. */
  #leave({ fd }: OpenDirectory): void {
    const closing = this.fileSystem
      .close(fd)
      .catch(() => {})
      .finally(() => {
        this.#closing.delete(closing);
        this.#visits.giveBack();
      });
    this.#closing.add(closing);
  }

  async #mayTake(status: FileStatus, isMissing: boolean): Promise<boolean> {
    if (this.#takesAny) return true;
    if (isMissing) return false;
    if (await this.claims.areThere()) return true;
    const above = await this.fileSystem.lstat(dirname(this.path));
    const isNew = above.dev !== status.dev && (await this.#isEmpty());
    if (!isNew || this.#other?.device !== status.dev) this.#other = undefined;
    if (!isNew) return false;
    this.#other ??= { device: status.dev, since: this.#options.clock.monotonic() };
    return this.#options.clock.monotonic() - this.#other.since >= emptyDiskMs;
  }

  async #isEmpty(): Promise<boolean> {
    const others = await this.fileSystem.readdir(this.path, ({ name }) => !newDiskNames.includes(name));
    return others.length === 0;
  }

  /** Gives up the previous disk, with its handles and claims. */
  async #take(device: bigint): Promise<void> {
    this.#taking ??= this.#moveTo(device).finally(() => {
      this.#taking = undefined;
    });
    await this.#taking;
  }

  async #moveTo(device: bigint): Promise<void> {
    // Names are looked up in the thread pool until the kind of file system is known.
    this.fileSystem.lookWith(undefined);
    await this.claims.moveIn({ isOther: true });
    this.#device = device;
    this.#other = undefined;
    this.fileSystem.lookWith(await this.#options.findLook());
    this.onReplaced();
  }
}
