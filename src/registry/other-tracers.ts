import { constants } from "node:fs";
import { open, readdir, unlink } from "node:fs/promises";
import { type ClaimFile, decodeClaimFile } from "./claim-file.js";
import { answers } from "./claim-socket.js";
import type { Clock } from "./clock.js";
import { failedWith, ifThere } from "./file-system.js";
import type { OpenDirectory } from "./open-directory.js";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** A tracer that cannot be asked counts as silent if it has not changed its file for this long. */
const silenceMs = 30_000;
/** A larger file was not written by a tracer. */
const maxFileBytes = 16 * 1_024 * 1_024;

export const claimsOf = (id: string) => `${id}.claims`;
export const socketOf = (id: string) => `${id}.sock`;

/** Another tracer that is alive, as far as can be known. */
export interface OtherTracer extends ClaimFile {
  /** Age of its last heartbeat in milliseconds, if only that is known. Undefined: it answered. */
  readonly beatAgeMs: number | undefined;
  /** Whether it has changed its file since we first saw it. */
  readonly hasHeartbeat: boolean;
}

/** The last heartbeat of a tracer that cannot be asked. */
interface Beat {
  readonly firstMs: number;
  lastMs: number;
  /** When we saw it, monotonic. */
  seenAt: number;
}

/** The tracers that share a root with us. Claims of those that are gone are removed when they are read. */
export class OtherTracers {
  readonly #machine: string;
  readonly #clock: Clock;
  readonly #removes: boolean;
  readonly #beats = new Map<string, Beat>();

  /** `removes`: whether reading also removes the files of dead tracers. */
  constructor(machine: string, clock: Clock, { removes } = { removes: true }) {
    this.#machine = machine;
    this.#clock = clock;
    this.#removes = removes;
  }

  /**
   * The tracers that are alive.
   *
   * @param nowMs the time by the clock of the file system, which may be another machine's
   * @param isOurs whether an id is one of ours
   */
  async look(
    directory: OpenDirectory,
    nowMs: number,
    isOurs: (id: string) => boolean,
  ): Promise<OtherTracer[]> {
    const living: OtherTracer[] = [];
    const names = await readdir(directory.self);
    for (const name of names) {
      const id = /^(.+)\.claims$/.exec(name)?.[1];
      if (id === undefined || isOurs(id)) continue;
      const other = await this.#lookAt(directory, id, nowMs);
      if (other !== undefined) living.push(other);
    }
    for (const name of names) {
      const id = /^(.+)\.sock$/.exec(name)?.[1];
      if (id === undefined || isOurs(id) || names.includes(claimsOf(id))) continue;
      // Its owner was killed before it had claimed anything; one that is just starting would answer.
      if ((await answers(directory.at(name))) === false) await this.#void(directory, id);
    }
    return living;
  }

  async #lookAt(directory: OpenDirectory, id: string, nowMs: number): Promise<OtherTracer | undefined> {
    const found = await read(directory.at(claimsOf(id)));
    if (found === undefined) return undefined;
    const file = decodeClaimFile(found.text);
    if (file !== undefined && file.holder.machine === this.#machine && file.holder.hasSocket) {
      const isAlive = await answers(directory.at(socketOf(id)));
      if (isAlive === true) return { ...file, beatAgeMs: undefined, hasHeartbeat: true };
      if (isAlive === false) return this.#void(directory, id);
    }
    const beat = this.#noteBeat(id, found.mtimeMs);
    const ageMs = Math.max(nowMs - found.mtimeMs, this.#clock.monotonic() - beat.seenAt);
    if (file === undefined || ageMs > silenceMs) return this.#void(directory, id);
    return { ...file, beatAgeMs: ageMs, hasHeartbeat: beat.lastMs !== beat.firstMs };
  }

  #noteBeat(id: string, beatMs: number): Beat {
    const beat = this.#beats.get(id);
    if (beat === undefined) {
      const first = { firstMs: beatMs, lastMs: beatMs, seenAt: this.#clock.monotonic() };
      this.#beats.set(id, first);
      return first;
    }
    if (beat.lastMs !== beatMs) {
      beat.lastMs = beatMs;
      beat.seenAt = this.#clock.monotonic();
    }
    return beat;
  }

  async #void(directory: OpenDirectory, id: string): Promise<undefined> {
    this.#beats.delete(id);
    if (this.#removes) await removeClaims(directory, id);
  }
}

/** For how much longer it must be silent to count as gone, in milliseconds. */
export function silenceLeftMs({ beatAgeMs }: OtherTracer): number {
  return beatAgeMs === undefined ? Number.POSITIVE_INFINITY : silenceMs - beatAgeMs;
}

/** Removes the files of a tracer that is gone. If that fails, the next tracer that looks does it. */
export async function removeClaims(directory: OpenDirectory, id: string): Promise<void> {
  for (const name of [claimsOf(id), socketOf(id)]) await unlink(directory.at(name)).catch(() => {});
}

/** The content of a file, and when it was last changed; undefined if it is gone or not a regular file. */
async function read(path: string): Promise<{ text: string; mtimeMs: number } | undefined> {
  try {
    // Non-blocking: a named pipe in its place must not hang us.
    const file = await ifThere(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (file === undefined) return undefined;
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > maxFileBytes) return undefined;
      return { text: await file.readFile("utf8"), mtimeMs: status.mtimeMs };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (failedWith(error, "ELOOP", "EISDIR", "ENXIO")) return undefined;
    throw error;
  }
}
