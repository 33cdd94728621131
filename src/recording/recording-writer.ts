import { rm } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import type { Side } from "../protocol/mux.js";
import { encodeBlock, encodeFileHeader } from "./block.js";
import { type Frame, FrameBuffer } from "./frame.js";
import { createPart, type OpenPart, PartFile } from "./part-file.js";
import { findParts, partPath } from "./part-names.js";

export interface RecordingOptions {
  /** The first file; later ones are `FILE.2`, `FILE.3` … */
  readonly path: string;
  /** Largest size of a file in bytes: a block that would exceed it goes to a new one. @default never */
  readonly maxBytes?: number;
  /** Deletes the oldest file of this recording when there are more. @default never */
  readonly maxFiles?: number;
  /** Bytes of frames after which a block is written. @default 65_536 */
  readonly blockBytes?: number;
  /** Milliseconds after which a block is written, however small: what a kill can cost. @default 250 */
  readonly flushMs?: number;
  /** Bytes of frames that wait for a slow or failing disk before any are left out. @default 64 MiB */
  readonly maxWaitingBytes?: number;
  /** Pause before a failed write is tried again, and how long one may hang before traffic no longer waits, in milliseconds. @default 1_000 */
  readonly retryMs?: number;
  /** Called with everything that makes the recording incomplete, and when that ends. */
  readonly onTrouble: (text: string) => void;
  /** Replaces the file system in tests. */
  readonly openPart?: OpenPart;
}

type CompleteOptions = RecordingOptions & Required<Omit<RecordingOptions, "maxBytes" | "maxFiles">>;

export interface RecordingSummary {
  readonly files: readonly string[];
  /** Bytes of all files, deleted ones included. */
  readonly bytesWritten: number;
  /** Bytes that were passed on but are in no file. */
  readonly bytesMissing: number;
}

interface SealedBlock {
  readonly frames: Uint8Array;
  /** Traffic in it, in bytes. */
  readonly traffic: number;
  /** The connections that were open where it begins. */
  readonly open: readonly OpenConnection[];
}

interface OpenConnection {
  readonly connection: number;
  readonly opener: string;
  readonly listener: string;
}

const program = "muninn";

/**
 * Writes what happens into a recording's files. Nothing here ever makes traffic fail: if the disk fails, frames wait,
 * and those for which there is no room are left out, with a gap in the recording that says how many bytes.
 */
export class RecordingWriter {
  readonly #options: CompleteOptions;
  readonly #started = performance.now();
  readonly #startedMicros = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  readonly #open = new Map<number, OpenConnection>();
  readonly #files: string[] = [];
  readonly #frames = new FrameBuffer();
  #openAtBlockStart: OpenConnection[] = [];
  #trafficInBlock = 0;
  #waiting: SealedBlock[] = [];
  #waitingBytes = 0;
  #file: PartFile;
  #part = 1;
  /** Apart from its beginning. */
  #blocksInFile = 0;
  #bytesBefore = 0;
  #bytesMissing = 0;
  #gapBytes = 0;
  #inGap = false;
  #trouble: string | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;
  #waitingForRoom: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #stopping: Promise<RecordingSummary> | undefined;

  private constructor(file: PartFile, options: CompleteOptions) {
    this.#file = file;
    this.#options = options;
    this.#files.push(file.path);
  }

  /** @throws what the file system throws; `EEXIST` if a file of such a recording already exists */
  static async open(options: RecordingOptions): Promise<RecordingWriter> {
    const [existing] = await findParts(options.path);
    if (existing !== undefined) {
      const message = `${existing} exists; recordings are never overwritten`;
      throw Object.assign(new Error(message), { code: "EEXIST", syscall: "open" });
    }
    const complete = {
      blockBytes: 65_536,
      flushMs: 250,
      maxWaitingBytes: 64 * 1024 * 1024,
      retryMs: 1_000,
      openPart: createPart,
      ...options,
    };
    const file = await PartFile.create(options.path, complete.openPart);
    const writer = new RecordingWriter(file, complete);
    await file.append(await writer.#beginning(1, []));
    return writer;
  }

  get bytesWritten(): number {
    return this.#bytesBefore + this.#file.size;
  }

  get bytesMissing(): number {
    return this.#bytesMissing;
  }

  /** What prevents writing at the moment. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  opened(connection: OpenConnection): void {
    this.#open.set(connection.connection, connection);
    this.#add({ kind: "opened", at: this.#now(), ...connection });
  }

  /** The bytes must not change afterwards. */
  bytes(connection: number, sender: Side, offset: number, data: Uint8Array): void {
    this.#add({ kind: "bytes", at: this.#now(), connection, sender, offset, data }, data.length);
  }

  ended(connection: number, sender: Side): void {
    this.#add({ kind: "ended", at: this.#now(), connection, sender });
  }

  closed(connection: number): void {
    this.#open.delete(connection);
    this.#add({ kind: "closed", at: this.#now(), connection });
  }

  /** Resolves when the disk has caught up; undefined if there is no need to wait, or waiting would not help. */
  roomAgain(): Promise<void> | undefined {
    if (this.#trouble !== undefined || this.#waitingBytes <= this.#options.maxWaitingBytes / 2)
      return undefined;
    return new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** Writes what waits, if the disk allows it, and ends the recording; idempotent. */
  stop(): Promise<RecordingSummary> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  #now(): number {
    return Math.round((performance.now() - this.#started) * 1_000);
  }

  #add(frame: Frame, traffic = 0): void {
    if (this.#waitingBytes > this.#options.maxWaitingBytes) {
      this.#leaveOut(traffic);
      return;
    }
    if (this.#inGap) this.#closeGap();
    if (this.#frames.byteLength === 0) this.#beginBlock();
    this.#frames.add(frame);
    this.#trafficInBlock += traffic;
    if (this.#frames.byteLength >= this.#options.blockBytes) this.#seal();
  }

  #beginBlock(): void {
    this.#openAtBlockStart = [...this.#open.values()];
    this.#flushTimer = setTimeout(() => this.#seal(), this.#options.flushMs);
  }

  #leaveOut(traffic: number): void {
    if (!this.#inGap) this.#options.onTrouble("the recording is incomplete from here on; traffic continues");
    this.#inGap = true;
    this.#gapBytes += traffic;
    this.#bytesMissing += traffic;
  }

  #closeGap(): void {
    this.#inGap = false;
    const bytes = this.#gapBytes;
    this.#gapBytes = 0;
    this.#beginBlock();
    const at = this.#now();
    this.#frames.add({ kind: "gap", at, bytes, reason: this.#trouble ?? "the disk was too slow" });
    for (const connection of this.#open.values()) this.#frames.add({ kind: "opened", at, ...connection });
    this.#options.onTrouble(`recording again; ${bytes} bytes of traffic are missing`);
  }

  #seal(): void {
    clearTimeout(this.#flushTimer);
    if (this.#frames.byteLength === 0) return;
    const frames = this.#frames.take();
    this.#waiting.push({ frames, traffic: this.#trafficInBlock, open: this.#openAtBlockStart });
    this.#trafficInBlock = 0;
    this.#waitingBytes += frames.length;
    this.#pumping ??= this.#pump();
  }

  async #pump(): Promise<void> {
    for (let block = this.#waiting[0]; block !== undefined; block = this.#waiting[0]) {
      if (!(await this.#write(block))) break;
      this.#waiting.shift();
      this.#waitingBytes -= block.frames.length;
      this.#resumeWaiting();
    }
    this.#pumping = undefined;
  }

  /** Returns true once the block is written. A full disk can stop any step; the next call continues there. */
  async #write(block: SealedBlock): Promise<boolean> {
    const encoded = await encodeBlock(block.frames);
    const { maxBytes = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#blocksInFile > 0 && this.#file.size + encoded.length > maxBytes) {
      const beginning = await this.#beginning(this.#part + 1, block.open);
      if (!(await this.#persist(() => this.#nextFile()))) return false;
      if (!(await this.#persist(() => this.#file.append(beginning)))) return false;
    }
    if (!(await this.#persist(() => this.#file.append(encoded)))) return false;
    this.#blocksInFile += 1;
    return true;
  }

  async #nextFile(): Promise<void> {
    const { path, maxFiles = Number.POSITIVE_INFINITY, openPart } = this.#options;
    const next = await PartFile.create(partPath(path, this.#part + 1), openPart);
    const last = this.#file;
    this.#part += 1;
    this.#file = next;
    this.#blocksInFile = 0;
    this.#bytesBefore += last.size;
    this.#files.push(next.path);
    const oldest = this.#files.length > maxFiles ? this.#files.shift() : undefined;
    try {
      await last.close();
      if (oldest !== undefined) await rm(oldest, { force: true });
    } catch (error) {
      this.#options.onTrouble(`a file of the recording: ${describe(error)}`);
    }
  }

  /**
   * What every file begins with: header, and a block that says when the recording began and which peers are connected.
   */
  async #beginning(part: number, open: readonly OpenConnection[]): Promise<Uint8Array> {
    const at = part === 1 ? 0 : this.#now();
    const frames = new FrameBuffer();
    frames.add({ kind: "begin", at, started: this.#startedMicros, part, program });
    for (const connection of open) frames.add({ kind: "opened", at, ...connection });
    return Buffer.concat([encodeFileHeader(), await encodeBlock(frames.take())]);
  }

  /** Tries until it succeeds; only once if the recording is stopping. */
  async #persist(write: () => Promise<void>): Promise<boolean> {
    for (;;) {
      const hanging = setTimeout(() => this.#writingFailed("a write hangs"), this.#options.retryMs);
      try {
        await write();
        if (this.#trouble !== undefined) this.#options.onTrouble("the recording can be written again");
        this.#trouble = undefined;
        return true;
      } catch (error) {
        this.#writingFailed(describe(error));
        if (this.#stopping !== undefined) return false;
        await this.#pause();
      } finally {
        clearTimeout(hanging);
      }
    }
  }

  #writingFailed(trouble: string): void {
    if (this.#trouble === undefined)
      this.#options.onTrouble(
        `the recording cannot be written (${trouble}); traffic continues, and waits in memory to be recorded as far as there is room`,
      );
    this.#trouble = trouble;
    this.#resumeWaiting();
  }

  #resumeWaiting(): void {
    if (this.#trouble === undefined && this.#waitingBytes > this.#options.maxWaitingBytes / 2) return;
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #stop(): Promise<RecordingSummary> {
    if (this.#inGap) this.#closeGap();
    this.#frames.add({ kind: "finished", at: this.#now() });
    this.#seal();
    this.#wake?.();
    await this.#pumping;
    for (const { traffic } of this.#waiting) this.#bytesMissing += traffic;
    await this.#file.close();
    return { files: this.#files, bytesWritten: this.bytesWritten, bytesMissing: this.#bytesMissing };
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
