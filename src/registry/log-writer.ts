import { join } from "node:path";
import { AppendQueue } from "./append-queue.js";
import { describeHolder } from "./claim-file.js";
import { CurrentFile, type CurrentFileOptions } from "./current-file.js";
import { failedWith, refusal } from "./file-system.js";
import { type LogFault, type LogId, type LogPlace, RegistryStopped } from "./handle-registry.js";
import { LogFaults, type LogFaultsOptions } from "./log-faults.js";
import type { DirectoryClaim } from "./root-claims.js";

/** Pauses between attempts that fail: an operator who frees the disk sees the backlog move at once. */
const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** With this many bytes a write gathers no more appends. */
const enoughBytes = 1_024 * 1_024;
/** Codes of a file that will never accept more bytes: it is too long, or gone with its server. */
const refusesMore = ["EFBIG", "ESTALE"];

export interface LogWriterOptions extends CurrentFileOptions, LogFaultsOptions {
  readonly durability: "os" | "disk";
  /** Nothing about the log needs to be remembered any more. */
  readonly onUnused: () => void;
}

interface Rotation {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Writes one log. One loop does everything with its files, attempt after attempt: open, write, check that the file still
 * exists, settle. Between attempts the handle is parked, unless the file has bytes that are not settled: then it is
 * pinned, and only these bytes decide what happens next.
 */
export class LogWriter {
  readonly log: LogId;
  readonly #options: LogWriterOptions;
  readonly #current: CurrentFile;
  readonly #queue = new AppendQueue();
  readonly #faults: LogFaults;
  readonly #rotations: Rotation[] = [];
  #users = 0;
  /** Its last user has left. A log that never had one stays until the pool closes its handle. */
  #isReleased = false;
  #closeIsAsked = false;
  #isGivenUp = false;
  #running: Promise<void> | undefined;
  /** Our right to write in the directory. */
  #claim: DirectoryClaim | undefined;
  #endPause = () => {};
  #endWait = () => {};

  constructor(options: LogWriterOptions) {
    this.log = options.log;
    this.#options = options;
    this.#current = new CurrentFile(options, () => this.#reportUnused());
    this.#faults = new LogFaults(options);
  }

  get unwrittenBytes(): number {
    return this.#queue.unsafeBytes;
  }

  /** The file has bytes that are not settled, so its handle must not be closed. */
  get isPinned(): boolean {
    return this.#queue.writtenBytes > 0;
  }

  /** The worst current fault. */
  get fault(): LogFault | undefined {
    return this.#faults.worst;
  }

  get lastName(): string | undefined {
    return this.#current.lastName;
  }

  get currentPath(): string {
    return this.#current.path;
  }

  append(bytes: Uint8Array): Promise<void> {
    const safe = this.#queue.push(bytes);
    this.#start();
    return safe;
  }

  drained(): Promise<void> {
    return this.#queue.drained();
  }

  /** Where it ends now, if that is in a file that we know and that is still there. */
  end(): Promise<LogPlace | undefined> {
    return this.#current.lookedUp();
  }

  /** Ends the current file and begins a new one; a file without content is kept. */
  rotate(): Promise<void> {
    const rotated = new Promise<void>((resolve, reject) => this.#rotations.push({ resolve, reject }));
    this.#start();
    return rotated;
  }

  async rotateIfFull(): Promise<void> {
    if (this.#rotations.length === 0 && this.#current.isFull) await this.rotate();
  }

  /** Closes the handle, a busy one as soon as its lines are whole. */
  reopen(): void {
    this.#closeIsAsked = this.#running !== undefined;
    this.#current.closeParked();
  }

  acquire(): void {
    this.#users += 1;
    this.#isReleased = false;
  }

  release(): void {
    this.#users = Math.max(0, this.#users - 1);
    this.#isReleased = this.#users === 0;
    this.#rest();
  }

  /** Gives up what is not safe. It does not wait for a call that hangs in the kernel. */
  giveUp(): void {
    this.#isGivenUp = true;
    const stopped = new RegistryStopped();
    this.#queue.rejectAll(stopped);
    for (const { reject } of this.#rotations.splice(0)) reject(stopped);
    this.#endPause();
    this.#endWait();
    this.#rest();
  }

  /** Resolves when no operation is running. */
  async atRest(): Promise<void> {
    await this.#running;
  }

  #start(): void {
    if (this.#running !== undefined) return;
    this.#endWait();
    this.#running = this.#run();
  }

  get #hasWork(): boolean {
    return !this.#queue.isEmpty || (this.#rotations.length > 0 && this.#current.mayRotate);
  }

  async #run(): Promise<void> {
    let pauseMs = firstPauseMs;
    // What is appended at the same moment goes along in the first write.
    await undefined;
    while (!this.#isGivenUp && this.#hasWork) {
      try {
        const nameState = await this.#attempt();
        this.#settle(nameState);
        if (!this.isPinned) pauseMs = firstPauseMs;
      } catch (error) {
        if (!this.#isGivenUp) this.#faults.failed(error as NodeJS.ErrnoException, this.#current.path);
        this.#leaveFile();
        await this.#pause(pauseMs);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    }
    this.#running = undefined;
    if (this.#rotations.length > 0 && !this.#isGivenUp) {
      this.#endWait = this.#options.clock.after(this.#current.rotatesInMs, () => this.#start());
    }
    this.#rest();
  }

  /** Resolves with where the written file is. */
  async #attempt(): Promise<"here" | "renamed"> {
    const fd = this.#openNow() ?? (await this.#open());
    if (this.#queue.isEmpty) return "here";
    const isForDisk = this.#options.durability === "disk";
    try {
      if (!this.#queue.hasWhole) await this.#write(fd);
      if (isForDisk && this.#queue.hasWhole) await this.#sync(fd);
    } catch (error) {
      // A deleted file keeps its space until we close it: perhaps the very space that is missing.
      if ((await this.#current.nameState().catch(() => "here")) === "deleted") this.#deleted();
      throw error;
    }
    let nameState = await this.#current.nameState();
    // A file that has another name now is in a directory that may have one, too: only a name that holds is synced.
    if (nameState === "here" && isForDisk && (await this.#current.syncName())) {
      nameState = await this.#current.nameState();
    }
    if (nameState !== "deleted") return nameState;
    this.#deleted();
    return "here";
  }

  /** All in one step, so that a caller who learns that lines are safe finds the fault ended and the log idle. */
  #settle(nameState: "here" | "renamed"): void {
    this.#options.counters.bytesWritten += this.#queue.settle();
    if (this.isPinned) return;
    if (nameState === "renamed") this.#current.lose("renamed");
    this.#faults.recovered();
    this.#leaveFile();
  }

  /** As `#open`, where there is nothing to be done for it: of each batch but the first, most often. */
  #openNow(): number | undefined {
    if (this.isPinned) return this.#current.fd;
    const isReady = this.#claim?.isLost === false && this.#rotations.length === 0;
    return isReady ? this.#current.openNow() : undefined;
  }

  async #open(): Promise<number> {
    if (this.#claim === undefined || this.#claim.isLost) await this.#claimDirectory();
    const rotations = [...this.#rotations];
    const fd = rotations.length > 0 ? await this.#current.rotate() : await this.#current.open();
    const { rotationFailure } = this.#current;
    this.#faults.rotated(rotationFailure, this.#current.path);
    if (rotationFailure !== undefined) return fd;
    for (const { resolve } of this.#rotations.splice(0, rotations.length)) resolve();
    return fd;
  }

  /** Two writers of one directory would mix their lines. */
  async #claimDirectory(): Promise<void> {
    const { directory } = this.log;
    const { root } = this.#options;
    // The claim was lost: another tracer has taken over the directory, and continues our file.
    if (this.#claim !== undefined) this.#current.end("lost");
    const claim = await root.claimDirectory(directory);
    if ("holder" in claim) {
      const reason = `another tracer writes there (${describeHolder(claim.holder)})`;
      throw refusal("EBUSY", "open", join(root.path, directory), reason);
    }
    this.#claim = claim;
  }

  /** One write. The system may accept only a part: the next attempt continues there, in the same file. */
  async #write(fd: number): Promise<void> {
    const { counters, durability, root } = this.#options;
    const { room } = this.#current;
    // Gathered as late as possible: while others write, more arrives that can be included.
    const pieces = () => this.#queue.next(room > 0 ? Math.min(room, enoughBytes) : enoughBytes);
    try {
      const written = await root.fileSystem.writeInTurn(fd, pieces);
      if (written === 0) throw refusal("EIO", "write", this.#current.path, "nothing was accepted");
      counters.writes += 1;
      this.#queue.wrote(written);
    } catch (error) {
      if (failedWith(error, ...refusesMore)) {
        // The line is written again, whole: without room for a line feed its beginning could not even be ended.
        await this.#current.cut(this.#queue.tornBytes).catch(() => {});
        if (durability === "disk") this.#doubt();
        else counters.bytesWritten += this.#queue.restartLine();
        this.#current.end("lost");
      }
      throw error;
    }
  }

  async #sync(fd: number): Promise<void> {
    try {
      await this.#options.root.fileSystem.fdatasync(fd);
    } catch (error) {
      // The kernel drops pages it could not write: another sync would succeed without them.
      this.#doubt();
      this.#current.end("lost");
      throw error;
    }
  }

  /** Bytes that the file has but may lose are written again elsewhere. */
  #doubt(): void {
    this.#options.counters.possiblyDoubledBytes += this.#queue.writtenBytes;
    this.#queue.restart();
  }

  /** The file is lost, with its lines that were not acknowledged. */
  #deleted(): void {
    this.#queue.restart();
    this.#current.lose("deleted");
  }

  #leaveFile(): void {
    if (this.isPinned) return;
    if (this.#closeIsAsked) this.#current.close();
    else this.#current.park();
    this.#closeIsAsked = false;
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#isGivenUp) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(milliseconds, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Closes what is not needed, if no operation is running. */
  #rest(): void {
    if (this.#running !== undefined) return;
    if (this.#isReleased || this.#isGivenUp) this.#current.close();
    this.#reportUnused();
  }

  #reportUnused(): void {
    const isAtWork = this.#running !== undefined || this.#rotations.length > 0;
    if (this.#users > 0 || isAtWork || this.#current.isOpen) return;
    if (this.#claim !== undefined) this.#options.root.claims.release(this.log.directory, this.#claim);
    this.#claim = undefined;
    this.#options.onUnused();
  }
}
