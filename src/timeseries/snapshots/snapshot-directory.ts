import { constants } from "node:fs";
import { access, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { SnapshotError } from "./snapshot-fault.js";

const segmentName = /^timeseries-(\d{12})\.segment$/;
const unfinishedName = /^timeseries-\d{12}\.segment\.unfinished$/;
const damagedName = /^timeseries-\d{12}\.segment\.damaged$/;

/** Far more bytes than a segment ever has. */
const maxSegmentBytes = 2 ** 28;

/** How many damaged segments are kept for inspection. */
const maxDamaged = 8;

/** The segments of one store, numbered in the order in which they were written. */
export class SnapshotDirectory {
  readonly path: string;
  #next = 1;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Creates the directory if there is none, and lists the numbers of its segments, ascending.
   * @throws SnapshotError if it cannot be created, read and written
   */
  async open(): Promise<number[]> {
    const names = await this.#list();
    // Such a file was being written when Muninn was killed.
    for (const name of names) if (unfinishedName.test(name)) await rm(join(this.path, name), { force: true });
    const numbers = names.flatMap((name) => segmentName.exec(name)?.[1] ?? []).map(Number);
    numbers.sort((a, b) => a - b);
    this.#next = (numbers.at(-1) ?? 0) + 1;
    return numbers;
  }

  nameOf(number: number): string {
    return join(this.path, `timeseries-${String(number).padStart(12, "0")}.segment`);
  }

  /** Reads a segment. Rejects with a SnapshotError if the file is larger than any segment. */
  async read(number: number): Promise<Buffer> {
    const { size } = await stat(this.nameOf(number));
    if (size > maxSegmentBytes) throw new SnapshotError({ code: "not-a-segment" });
    return readFile(this.nameOf(number));
  }

  /** Writes a segment, of which either everything or nothing is on disk afterwards. Returns its number. */
  async write(bytes: Uint8Array): Promise<number> {
    const number = this.#next;
    const name = this.nameOf(number);
    if (await exists(name)) throw new SnapshotError({ code: "taken", file: name });
    const unfinished = `${name}.unfinished`;
    await mkdir(this.path, { recursive: true });
    const file = await open(unfinished, "w", 0o640);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, name);
    await this.#sync();
    this.#next = number + 1;
    return number;
  }

  async remove(number: number): Promise<void> {
    await rm(this.nameOf(number), { force: true });
  }

  /** Renames a damaged segment; returns its new name. */
  async putAside(number: number): Promise<string> {
    const name = `${this.nameOf(number)}.damaged`;
    await rename(this.nameOf(number), name);
    const damaged = (await readdir(this.path)).filter((each) => damagedName.test(each)).sort();
    for (const old of damaged.slice(0, -maxDamaged)) await rm(join(this.path, old), { force: true });
    return name;
  }

  async #list(): Promise<string[]> {
    try {
      await mkdir(this.path, { recursive: true });
      await access(this.path, constants.R_OK | constants.W_OK | constants.X_OK);
      return await readdir(this.path);
    } catch (cause) {
      throw new SnapshotError({ code: "directory-unusable", directory: this.path }, { cause });
    }
  }

  async #sync(): Promise<void> {
    const directory = await open(this.path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

async function exists(name: string): Promise<boolean> {
  try {
    await access(name);
    return true;
  } catch {
    return false;
  }
}
