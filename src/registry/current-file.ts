import type { Clock } from "./clock.js";
import type { Handle } from "./handle-pool.js";
import { type LogId, type LogPlace, RegistryStopped } from "./handle-registry.js";
import { LogDirectory, type LogFile, type OpenedFile } from "./log-directory.js";
import type { LogRoot } from "./log-root.js";
import type { RegistryCounters } from "./registry-counters.js";
import type { RegistryObserver } from "./registry-observer.js";
import { endLastLine } from "./torn-end.js";

/** Shortest time between rotations, so that names do not run ahead of the clock. */
const rotationPaceMs = 1_000;
/** Pause before setting a link is retried. */
const linkPauseMs = 2_000;

export interface CurrentFileOptions {
  readonly log: LogId;
  readonly root: LogRoot;
  /** The name of the last file started for this log so far, existing or not; undefined if unknown. */
  readonly lastName: string | undefined;
  readonly clock: Clock;
  readonly counters: RegistryCounters;
  readonly observer: RegistryObserver;
  /** The size from which a file is full, at present. */
  readonly limitBytes: () => number;
  /** Permission bits of files and directories; absent: the umask decides. */
  readonly mode: number | undefined;
  readonly dirMode: number | undefined;
}

/** What we know of the current file. */
interface Current {
  readonly file: LogFile;
  /** When we started it, monotonic; minus infinity for a file that existed before. */
  readonly begunAt: number;
  /** When setting the link was last tried, monotonic; `"set"` if it points here. */
  link: "set" | number;
  /** Whether its directory was synced since, so that its name would survive a power failure. */
  isListed: boolean;
}

/** Where the next line goes. */
type Place =
  /** To the newest file of the directory, if there is one with room. */
  | { readonly state: "unknown" }
  /** To a new file that sorts after `last`. */
  | { readonly state: "ended"; readonly last: string | undefined; readonly why: "first" | "lost" }
  /** The same; if that cannot be created, to the old one for a while. */
  | { readonly state: "ended"; readonly last: string; readonly why: "rotated"; readonly old: Current }
  /** To this file, once it is reopened. */
  | { readonly state: "closed"; readonly current: Current }
  | { readonly state: "open"; readonly current: Current; readonly handle: Handle };

/** A full file cannot be followed by a new one: meanwhile lines continue in the old one. */
export interface RotationFailure {
  readonly error: NodeJS.ErrnoException;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** When it was last tried, monotonic. */
  readonly triedAt: number;
}

/** The file that a log is written to: found or started, closed and reopened, finally ended. */
export class CurrentFile {
  readonly #options: CurrentFileOptions;
  readonly #directory: LogDirectory;
  readonly #onLeft: () => void;
  #place: Place = { state: "unknown" };
  #linkIsBlocked = false;
  #rotationFailure: RotationFailure | undefined;

  /** `onLeft` is called when the pool closes the handle. */
  constructor(options: CurrentFileOptions, onLeft: () => void) {
    const { log, root, mode, dirMode } = options;
    const { directory, extension } = log;
    this.#options = options;
    this.#directory = new LogDirectory({ root, directory, extension, mode, dirMode });
    this.#onLeft = onLeft;
  }

  get isOpen(): boolean {
    return this.#place.state === "open";
  }

  /** Path of the current file, open or not; if there is none, of its directory. */
  get path(): string {
    return "current" in this.#place ? this.#place.current.file.path : this.#directory.path;
  }

  /** The name of the last file started, existing or not. */
  get lastName(): string | undefined {
    if ("current" in this.#place) return this.#place.current.file.name;
    return this.#place.state === "ended" ? this.#place.last : this.#options.lastName;
  }

  /** Bytes until the file has reached its limit; negative beyond it. */
  get room(): number {
    return this.#options.limitBytes() - this.#size;
  }

  /** Whether the file has reached its limit and another may already be started. */
  get isFull(): boolean {
    if (!("current" in this.#place) || this.room > 0 || !this.mayRotate) return false;
    return this.#options.clock.monotonic() - this.#place.current.begunAt >= rotationPaceMs;
  }

  /** Whether it is time to retry a rotation that failed. */
  get mayRotate(): boolean {
    return this.rotatesInMs <= 0;
  }

  /** Milliseconds until a failed rotation is retried; 0 or less if none failed. */
  get rotatesInMs(): number {
    if (this.#rotationFailure === undefined) return 0;
    return this.#rotationFailure.triedAt + rotationPaceMs - this.#options.clock.monotonic();
  }

  get rotationFailure(): RotationFailure | undefined {
    return this.#rotationFailure;
  }

  /**
   * Opens the file, or another one if this one is full or no longer exists, and resolves with its descriptor.
   *
   * @param isAsked whether a caller waits for another file, however full this one is
   */
  async open(isAsked = false): Promise<number> {
    const { counters, root } = this.#options;
    if (this.isFull) this.end("rotated");
    if (this.#place.state === "open") counters.hits += 1;
    else counters.misses += 1;
    for (;;) {
      switch (this.#place.state) {
        case "unknown":
          await this.#find();
          break;
        case "closed":
          await this.#reopen(this.#place.current);
          break;
        case "ended":
          await this.#begin(this.#place);
          break;
        case "open":
          root.pool.unpark(this.#place.handle);
          await this.#pointLink(this.#place.current);
          // It was truncated, or the limit was raised.
          if (this.room > 0 && !isAsked) this.#rotationFailure = undefined;
          return this.#place.handle.fd;
      }
    }
  }

  /** As `open`, where there is nothing to be done for it; undefined where there is. */
  openNow(): number | undefined {
    const place = this.#place;
    if (place.state !== "open" || place.current.link !== "set") return undefined;
    if (this.#rotationFailure !== undefined || this.isFull) return undefined;
    this.#options.counters.hits += 1;
    this.#options.root.pool.unpark(place.handle);
    return place.handle.fd;
  }

  /** Of the file while it is open. */
  get fd(): number {
    if (this.#place.state !== "open") throw new RangeError("the current file is not open");
    return this.#place.handle.fd;
  }

  /** Its handle is idle from now on: the pool may close it. */
  park(): void {
    if (this.#place.state === "open") this.#options.root.pool.park(this.#place.handle);
  }

  /** Closes the handle if it is parked. */
  closeParked(): void {
    if (this.#place.state === "open" && this.#options.root.pool.unpark(this.#place.handle)) this.close();
  }

  /** Closes the handle; the file stays the current one. */
  close(): void {
    if (this.#place.state !== "open") return;
    const { current, handle } = this.#place;
    this.#place = { state: "closed", current };
    this.#options.root.pool.close(handle);
  }

  /** Starts a new file, unless this one is empty; if that fails, `rotationFailure` says so. */
  async rotate(): Promise<number> {
    const fd = await this.open(true);
    if (this.#size === 0 || !this.mayRotate) return fd;
    this.end("rotated");
    return this.open(true);
  }

  /** Closes the file for good: the next line starts another, whose permit is requested after this one is closed. */
  end(why: "rotated" | "lost"): void {
    const place = this.#place;
    if (!("current" in place)) return;
    const { current } = place;
    const last = current.file.name;
    this.#place =
      why === "rotated" ? { state: "ended", last, why, old: current } : { state: "ended", last, why };
    if (place.state === "open") this.#options.root.pool.close(place.handle);
  }

  /** Its name and size now, if the name still leads to it. */
  async lookedUp(): Promise<LogPlace | undefined> {
    if (!("current" in this.#place)) return undefined;
    const { name, path, ino, dev } = this.#place.current.file;
    const found = await this.#options.root.fileSystem.lookUp(path);
    return found?.ino === ino && found.dev === dev ? { file: name, bytes: Number(found.size) } : undefined;
  }

  /** Whether its name still leads to it. */
  async nameState(): Promise<"here" | "renamed" | "deleted"> {
    if (this.#place.state !== "open") return "here";
    const { fileSystem } = this.#options.root;
    const { current, handle } = this.#place;
    const { file } = current;
    const found = await fileSystem.lookUp(file.path);
    if (found?.ino === file.ino && found.dev === file.dev) {
      file.size = Number(found.size);
      return "here";
    }
    return (await fileSystem.fstat(handle.fd)).nlink === 0n ? "deleted" : "renamed";
  }

  /** Takes back its last bytes, which were not acknowledged, unless somebody else has written to it. */
  async cut(bytes: number): Promise<void> {
    if (bytes === 0 || this.#place.state !== "open") return;
    const { fileSystem } = this.#options.root;
    const { current, handle } = this.#place;
    const { size } = await fileSystem.fstat(handle.fd);
    if (Number(size) === current.file.size) await fileSystem.ftruncate(handle.fd, Number(size) - bytes);
  }

  /** Somebody else removed the file. */
  lose(how: "renamed" | "deleted" | "deleted or renamed"): void {
    this.#options.counters.vanished += 1;
    this.#options.observer.vanished(this.path, how);
    this.end("lost");
  }

  /** Syncs its name to the disk; false if that was done already. */
  async syncName(): Promise<boolean> {
    if (!("current" in this.#place) || this.#place.current.isListed) return false;
    const { current } = this.#place;
    await this.#directory.sync();
    current.isListed = true;
    return true;
  }

  get #size(): number {
    return "current" in this.#place ? this.#place.current.file.size : 0;
  }

  /** Continues the file of an earlier process, or of an earlier connection of the node. */
  async #find(): Promise<void> {
    const { counters, observer, root } = this.#options;
    const newest = await this.#directory.newest();
    if (newest === undefined) {
      this.#place = { state: "ended", last: this.#options.lastName, why: "first" };
      return;
    }
    await root.pool.open(async () => {
      const opened = await this.#directory.open(newest);
      try {
        if (await endLastLine(root.fileSystem, opened)) {
          counters.tornClosed += 1;
          observer.tornClosed(opened.file.path);
        }
      } catch (error) {
        await root.fileSystem.close(opened.fd).catch(() => {});
        throw error;
      }
      this.#opened(opened, Number.NEGATIVE_INFINITY);
      return opened;
    });
    if (this.isFull) this.end("rotated");
  }

  async #reopen(current: Current): Promise<void> {
    const { counters, root } = this.#options;
    const fd = await root.pool.open(() => this.#directory.reopen(current.file));
    if (fd === undefined) return this.lose("deleted or renamed");
    counters.reopened += 1;
    this.#place = { state: "open", current, handle: this.#handle(fd) };
  }

  async #begin(place: Extract<Place, { state: "ended" }>): Promise<void> {
    const { clock, counters, log, observer, root } = this.#options;
    try {
      await root.pool.open(async () => {
        const opened = await this.#directory.create(clock.now(), place.last);
        this.#opened(opened, clock.monotonic());
        return opened;
      });
    } catch (error) {
      if (place.why !== "rotated" || error instanceof RegistryStopped) throw error;
      counters.failedAttempts += 1;
      const since = this.#rotationFailure?.since ?? clock.now();
      const triedAt = clock.monotonic();
      this.#rotationFailure = { error: error as NodeJS.ErrnoException, since, triedAt };
      this.#place = { state: "closed", current: place.old };
      return;
    }
    this.#rotationFailure = undefined;
    counters.created += 1;
    if (place.why !== "rotated") return;
    counters.rotated += 1;
    observer.rotated(log, this.path);
  }

  #opened({ file, fd }: OpenedFile, begunAt: number): void {
    const current: Current = { file, begunAt, link: Number.NEGATIVE_INFINITY, isListed: false };
    this.#place = { state: "open", current, handle: this.#handle(fd) };
  }

  #handle(fd: number): Handle {
    return {
      fd,
      left: () => {
        if (this.#place.state === "open") this.#place = { state: "closed", current: this.#place.current };
        this.#onLeft();
      },
    };
  }

  /** The link is for people and log shippers: if it cannot be set, lines are still written. */
  async #pointLink(current: Current): Promise<void> {
    const { clock, log, observer } = this.#options;
    if (current.link === "set" || clock.monotonic() - current.link < linkPauseMs) return;
    current.link = clock.monotonic();
    try {
      await this.#directory.link(current.file.name);
      current.link = "set";
      this.#linkIsBlocked = false;
    } catch (error) {
      if (!this.#linkIsBlocked) observer.linkBlocked(log, error as NodeJS.ErrnoException);
      this.#linkIsBlocked = true;
    }
  }
}
