import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir, unlink } from "node:fs/promises";
import { type ClaimFile, decodeClaimFile } from "./claim-file.js";
import { answers } from "./claim-socket.js";
import type { Clock } from "./clock.js";
import { failedWith, ifThere } from "./file-system.js";
import type { OpenDirectory } from "./open-directory.js";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** A tracer that cannot be asked counts as silent if it has not changed its file for this long. */
const silenceMs = 30_000;
/** A larger file was not written by a tracer: one of fifty thousand nodes has some 5 MiB. */
const maxFileBytes = 8 * 1_024 * 1_024;
/** Most bytes of all files that are read at a time; what further ones claim is not known. */
const maxBytes = 16 * 1_024 * 1_024;
/** Most files of each kind that are looked at in one turn. More were not left by tracers, and nodes wait for the look to end. */
const mostFiles = 500;

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
  readonly #onCrowd: (files: number) => void;
  readonly #beats = new Map<string, Beat>();
  /** Ids of those that were alive the last time. */
  readonly #alive = new Set<string>();

  /**
   * @param removes whether reading also removes the files of dead tracers
   * @param onCrowd called when there are more files than are looked at
   */
  constructor(
    machine: string,
    clock: Clock,
    { removes = true, onCrowd = () => {} }: { removes?: boolean; onCrowd?: (files: number) => void } = {},
  ) {
    this.#machine = machine;
    this.#clock = clock;
    this.#removes = removes;
    this.#onCrowd = onCrowd;
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
    const entries = await readdir(directory.self, { withFileTypes: true });
    const ids = (suffix: string, isLook: (entry: Dirent) => boolean) =>
      entries.flatMap((entry) =>
        entry.name.endsWith(suffix) && isLook(entry) ? entry.name.slice(0, -suffix.length) : [],
      );
    const claims = new Set(ids(".claims", (entry) => entry.isFile()).filter((id) => !isOurs(id)));
    for (const id of this.#beats.keys()) if (!claims.has(id)) this.#beats.delete(id);
    if (claims.size > mostFiles) this.#onCrowd(claims.size);
    // Those that were alive the last time come first: however many strange files there are, they hide no tracer.
    const known = [...this.#alive].filter((id) => claims.has(id));
    this.#alive.clear();
    const living: OtherTracer[] = [];
    let bytesLeft = maxBytes;
    for (const id of [...new Set([...known, ...claims])].slice(0, mostFiles)) {
      const found = await read(directory.at(claimsOf(id)), Math.min(maxFileBytes, bytesLeft));
      const other = found && (await this.#lookAt(directory, id, found, nowMs));
      if (other === undefined) continue;
      living.push(other);
      this.#alive.add(id);
      bytesLeft -= found!.bytes;
    }
    const alone = ids(".sock", () => true).filter((id) => !isOurs(id) && !claims.has(id));
    for (const id of alone.slice(0, mostFiles)) {
      // Its owner was killed before it had claimed anything; one that is just starting would answer.
      if ((await answers(directory.at(socketOf(id)))) === false) await this.#void(directory, id);
    }
    return living;
  }

  async #lookAt(
    directory: OpenDirectory,
    id: string,
    { text, refusal, mtimeMs }: FoundFile,
    nowMs: number,
  ): Promise<OtherTracer | undefined> {
    const content = await decodeClaimFile(text);
    // It goes by the name of its file, whatever is in it.
    const file = content && { ...content, holder: { ...content.holder, id } };
    if (file !== undefined && file.holder.machine === this.#machine && file.holder.hasSocket) {
      const isAlive = await answers(directory.at(socketOf(id)));
      if (isAlive === true) return { ...file, beatAgeMs: undefined, hasHeartbeat: true };
      if (isAlive === false) return this.#void(directory, id);
    }
    const beat = this.#noteBeat(id, mtimeMs);
    const ageMs = Math.max(nowMs - mtimeMs, this.#clock.monotonic() - beat.seenAt);
    if (ageMs > silenceMs) return this.#void(directory, id);
    if (refusal !== undefined) throw refusal;
    if (file === undefined) return this.#void(directory, id);
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

interface FoundFile {
  /** Empty if it may not be read. */
  readonly text: string;
  readonly bytes: number;
  /** Why it may not be read: another user's tracer wrote it. */
  readonly refusal?: Error;
  readonly mtimeMs: number;
}

/** A file, and when it was last changed; undefined if it is gone, not a regular file, or longer than `most` bytes. */
async function read(path: string, most: number): Promise<FoundFile | undefined> {
  try {
    // Non-blocking: a named pipe in its place must not hang us.
    const file = await ifThere(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (file === undefined) return undefined;
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > most) return undefined;
      return { text: await file.readFile("utf8"), bytes: status.size, mtimeMs: status.mtimeMs };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (failedWith(error, "ELOOP", "EISDIR", "ENXIO")) return undefined;
    if (!failedWith(error, "EACCES", "EPERM")) throw error;
    const status = await ifThere(lstat(path));
    return status && { text: "", bytes: 0, refusal: error as Error, mtimeMs: status.mtimeMs };
  }
}
