import { type FileHandle, stat } from "node:fs/promises";
import { isMissing, type LogFile, logFilesOf, type NodeDirectory, openLog } from "./log-tree.js";
import { compressedLines, forwardsReader } from "./node-lines.js";
import { LineCutter } from "./stored-lines.js";
import type { TracedLine } from "./traced-line.js";

/** Most later files held open while an earlier one is read; the rest are opened when it is their turn. */
const mostHeld = 16;

interface FollowedFile {
  readonly file: LogFile;
  /** Absent if the file is compressed, or not opened yet. */
  handle?: FileHandle | undefined;
  position: number;
}

/**
 * Reads what is added to a node's log. Files are opened when they are first seen, so that nothing is lost when they are rotated,
 * compressed or deleted. It polls, because network file systems do not report changes.
 */
export class FollowedNode {
  readonly directory: NodeDirectory;
  readonly #remark: (sentence: string) => void;
  readonly #cutter = new LineCutter();
  #current: FollowedFile | undefined;
  #read: (lines: readonly string[]) => TracedLine[] = () => [];
  #next: FollowedFile[] = [];
  /** The rest of the current file, if it is compressed. */
  #unpacking: AsyncGenerator<TracedLine[]> | undefined;
  /** Whether the last read of the current file, made after a newer file was seen, found nothing. */
  #isAtEnd = false;

  /** @param remark called for files that are damaged */
  constructor(directory: NodeDirectory, remark: (sentence: string) => void) {
    this.directory = directory;
    this.#remark = remark;
  }

  /** Starts at `position` in the last of these files, or, if there are none, with the first new file. */
  async begin(files: readonly LogFile[], position: number): Promise<void> {
    const last = files.at(-1);
    if (last === undefined) return;
    this.#goTo({ file: last, position });
    await this.#openCurrent();
  }

  /** Looks for newer files, and whether the current one is still what it was. */
  async look(): Promise<void> {
    const known = this.#next.at(-1)?.file.name ?? this.#current?.file.name ?? "";
    const files = await logFilesOf(this.directory);
    for (const file of files) {
      if (file.name > known) this.#next.push({ file, position: 0 });
      else if (file.name === known && (await this.#isAnother(file))) this.#next.push({ file, position: 0 });
    }
    for (const followed of this.#next.slice(0, mostHeld)) await hold(followed);
  }

  /** Lines that were added, up to about `mostBytes`; empty if there are none. */
  async poll(mostBytes: number): Promise<readonly TracedLine[]> {
    const unpacked = await this.#unpacked();
    if (unpacked !== undefined) return unpacked;
    const current = this.#current;
    const added = current === undefined ? [] : await this.#added(current, mostBytes);
    if (added.length > 0) return this.#read(added);
    const next = this.#next[0];
    if (next === undefined) return [];
    // The writer may still write to the old file while it creates the new one: we leave it after two reads without a line.
    if (current !== undefined && !this.#isAtEnd) {
      this.#isAtEnd = true;
      return [];
    }
    const unended = this.#read(this.#cutter.end());
    await current?.handle?.close();
    this.#next.shift();
    this.#goTo(next);
    if (next.file.isCompressed) {
      this.#unpacking = compressedLines(next.file, this.#read, this.#remark);
      return unended.length > 0 ? unended : this.poll(mostBytes);
    }
    await this.#openCurrent();
    return [...unended, ...(await this.poll(mostBytes))];
  }

  async close(): Promise<void> {
    await this.#unpacking?.return(undefined);
    this.#unpacking = undefined;
    const files = [this.#current, ...this.#next];
    this.#current = undefined;
    this.#next = [];
    await Promise.all(files.map((followed) => followed?.handle?.close()));
  }

  #goTo(followed: FollowedFile): void {
    this.#current = followed;
    this.#read = forwardsReader(this.directory, followed.file);
    this.#isAtEnd = false;
  }

  async #openCurrent(): Promise<void> {
    if (this.#current !== undefined) await hold(this.#current);
  }

  /** Reads until at least one line is whole, or the file ends. */
  async #added(current: FollowedFile, mostBytes: number): Promise<string[]> {
    if (current.handle === undefined) return [];
    const buffer = Buffer.allocUnsafe(mostBytes);
    for (;;) {
      const { bytesRead } = await current.handle.read(buffer, 0, mostBytes, current.position);
      if (bytesRead === 0) return [];
      current.position += bytesRead;
      this.#isAtEnd = false;
      const lines = this.#cutter.push(buffer.subarray(0, bytesRead));
      if (lines.length > 0) return lines;
    }
  }

  /** The next lines of a compressed file, which may unpack to a thousand times its size; undefined if none is being unpacked. */
  async #unpacked(): Promise<readonly TracedLine[] | undefined> {
    for (;;) {
      const next = await this.#unpacking?.next();
      if (next?.done === false && next.value.length > 0) return next.value;
      if (next?.done === false) continue;
      this.#unpacking = undefined;
      return undefined;
    }
  }

  /** Whether the newest file was replaced or truncated, and so must be read from its beginning. */
  async #isAnother({ path, isCompressed }: LogFile): Promise<boolean> {
    const current = this.#current;
    if (current?.handle === undefined || this.#next.length > 0 || isCompressed) return false;
    try {
      const [there, ours] = await Promise.all([stat(path), current.handle.stat()]);
      return there.ino !== ours.ino || there.dev !== ours.dev || there.size < current.position;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }
}

/** Opens a file that is not compressed; if it is already gone, it gets no handle. */
async function hold(followed: FollowedFile): Promise<void> {
  if (followed.handle !== undefined || followed.file.isCompressed) return;
  try {
    followed.handle = await openLog(followed.file.path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
