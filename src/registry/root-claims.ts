import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, lstat, mkdir, open, readFile, rename, rmdir, unlink, writeFile } from "node:fs/promises";
import type { Server } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { encodeBeat, encodeChanges, encodeClaimFile, type Holder } from "./claim-file.js";
import { listenAsSignOfLife } from "./claim-socket.js";
import { type Clock, within } from "./clock.js";
import { failedWith, ifThere, kernelFileSystem } from "./file-system.js";
import { type OpenDirectory, openDirectory, withKnownPath } from "./open-directory.js";
import {
  claimsOf,
  type OtherTracer,
  OtherTracers,
  removeClaims,
  silenceLeftMs,
  socketOf,
} from "./other-tracers.js";

const { O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
/** In each root; a directory, so that readers who take every entry for a node's find no logs in it. */
export const claimsDirectory = ".muninn";
/** Three signs of life are lost before anybody takes a tracer for gone. */
const beatMs = 10_000;
/** A claim file is written anew where what is claimed no more takes so much of it. */
const enoughChanges = 1_000;
const fullDisk = ["ENOSPC", "EDQUOT"];
const directoryMark = "directory ";
/** How often two that claim the same at the same moment try to let one of them have it. */
const mostTries = 20;
/** For how long, in milliseconds, one of them keeps out of the other's way, by chance. */
const longestGivingWayMs = 50;

/** A directory that is ours, for one who needs it. */
export interface DirectoryClaim {
  /** Another tracer has taken it over, while we gave no sign of life. */
  readonly isLost: boolean;
}

export interface RootClaimsOptions {
  /** The root's real path. */
  readonly root: string;
  /** What is collected; a second tracer with the same one is refused. */
  readonly identity: string | undefined;
  readonly dirMode: number | undefined;
  /** Whether names can be followed through open directories. */
  readonly canHold: boolean;
  readonly clock: Clock;
  /** Our claim file is gone: somebody removed it, or the whole root, or its volume is not mounted. */
  readonly onGone: () => void;
}

interface Request {
  readonly claim: string;
  readonly resolve: (holder: Holder | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What this tracer claims below one root against other tracers. Each has a file of its own, which says what it claims,
 * and a socket that answers as long as it lives, so nobody ever changes the file of another one that lives. To claim
 * something is to write it down and then to look at what others have written down: of two at the same moment at
 * least one sees the other.
 */
export class RootClaims {
  readonly #options: RootClaimsOptions;
  readonly #path: string;
  readonly #machine: string;
  readonly #others: OtherTracers;
  /** Of each directory that is ours, for whom. */
  readonly #held = new Map<string, Set<DirectoryClaim>>();
  /** Every id we ever had: one for each time we came. */
  readonly #ids = new Set<string>();
  #joined: { readonly id: string; readonly server: Server | undefined } | undefined;
  #beats = 0;
  #changes = 0;
  #waiting: Request[] = [];
  /** One thing at a time: a disk that hangs keeps one thread of the pool at most. */
  #last: Promise<unknown> = Promise.resolve();
  #isBeating = false;
  readonly #endBeats: () => void;
  #isClosed = false;

  private constructor(options: RootClaimsOptions, machine: string) {
    this.#options = options;
    this.#path = join(options.root, claimsDirectory);
    this.#machine = machine;
    this.#others = new OtherTracers(machine, options.clock);
    this.#endBeats = options.clock.every(beatMs, () => this.#beatInTurn());
  }

  /** Comes to the root. A disk that is full is no reason to stay away: claims wait then, as lines do. */
  static async open(options: RootClaimsOptions): Promise<RootClaims> {
    const claims = new RootClaims(options, await thisMachine());
    try {
      await claims.#inTurn(async () => {
        try {
          await claims.#join();
        } catch (error) {
          if (!failedWith(error, ...fullDisk)) throw error;
        }
      });
      return claims;
    } catch (error) {
      claims.end();
      throw error;
    }
  }

  /** The tracer that runs the same configuration here already. */
  async twin(): Promise<Holder | undefined> {
    const { identity } = this.#options;
    if (identity === undefined) return undefined;
    const claim = identityClaim(identity);
    try {
      return await this.#request(claim);
    } catch (error) {
      if (!failedWith(error, ...fullDisk)) throw error;
      return holderOf(claim, await this.#livingOthers());
    }
  }

  /** Directories that other tracers write in. */
  async directoriesOfOthers(): Promise<Set<string>> {
    const directories = new Set<string>();
    for (const { claims } of await this.#livingOthers()) {
      for (const claim of claims) {
        const directory = directoryIn(claim);
        if (directory !== undefined) directories.add(directory);
      }
    }
    return directories;
  }

  /**
   * Waits until each tracer that cannot be asked has given a sign of life, or been silent for long enough to count as
   * gone.
   *
   * @param onWait told once for each of them, with for how long at most, in milliseconds
   * @param stopping ends the wait when it fires
   */
  async awaitSilent(
    onWait: (holder: Holder, milliseconds: number) => void,
    stopping?: AbortSignal,
  ): Promise<void> {
    const told = new Set<string>();
    const stopped = new Promise((resolve) => stopping?.addEventListener("abort", resolve, { once: true }));
    while (!stopping?.aborted) {
      const doubtful = (await this.#livingOthers()).filter(({ hasBeaten }) => !hasBeaten);
      if (doubtful.length === 0) return;
      for (const other of doubtful) {
        if (told.has(other.holder.id)) continue;
        told.add(other.holder.id);
        onWait(other.holder, Math.max(0, silenceLeftMs(other)));
      }
      await within(this.#options.clock, 1_000, stopped);
    }
  }

  /** Resolves with the claim; with who has the directory where that is another one. */
  async hold(directory: string): Promise<DirectoryClaim | { readonly holder: Holder }> {
    if (!this.#held.has(directory)) {
      const holder = await this.#request(claimOn(directory));
      if (holder !== undefined) return { holder };
    }
    const claim = { isLost: false };
    this.#held.get(directory)!.add(claim);
    return claim;
  }

  /** The last one of a directory leaves it to other tracers. */
  release(directory: string, claim: DirectoryClaim): void {
    const held = this.#held.get(directory);
    if (held === undefined || !held.delete(claim) || held.size > 0) return;
    this.#held.delete(directory);
    const withdraw = async () => {
      if (!this.#held.has(directory)) await this.#change("-", [claimOn(directory)]);
    };
    this.#inTurn(withdraw).catch(() => {});
  }

  /** Whether the directory that bears the root's name now has our claim file in it. */
  async areThere(): Promise<boolean> {
    const { id } = this.#joined ?? {};
    if (id === undefined) return false;
    return (await ifThere(lstat(join(this.#path, claimsOf(id))))) !== undefined;
  }

  /**
   * Comes to the root anew after it was made again, with all that is claimed; also where our claims are there already if
   * it is on another file system now, where our socket answers nobody.
   */
  async moveIn({ isOther }: { isOther: boolean }): Promise<void> {
    await this.#inTurn(async () => {
      if (!isOther && (await this.areThere())) return;
      await this.#joinAnew();
    });
  }

  /** No more signs of life are given; our socket answers as long as the process lives, unless `remove` is called. */
  end(): void {
    this.#endBeats();
  }

  /** Takes back what was claimed. */
  async remove(): Promise<void> {
    this.end();
    await this.#inTurn(async () => {
      this.#isClosed = true;
      const { id } = this.#joined ?? {};
      if (id !== undefined) {
        await this.#inside((directory) => removeClaims(directory, id)).catch(() => {});
        // Others may be in there.
        await rmdir(this.#path).catch(() => {});
      }
      this.#leave();
    });
  }

  async #livingOthers(): Promise<OtherTracer[]> {
    const look = () => this.#inside((directory) => this.#look(directory));
    // Where a full disk kept us from coming, there may be no directory at all.
    return this.#inTurn(async () => (this.#joined === undefined ? ((await ifThere(look())) ?? []) : look()));
  }

  #request(claim: string): Promise<Holder | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ claim, resolve, reject });
      // All that come while others are under way go together.
      if (this.#waiting.length > 1) return;
      void this.#inTurn(async () => {
        const requests = this.#waiting;
        this.#waiting = [];
        try {
          await this.#claim(requests).catch((error) => this.#claimAnew(requests, error));
        } catch (error) {
          for (const request of requests) request.reject(error);
        }
      });
    });
  }

  /** Settles each request; who is refused has nothing written down any more. */
  async #claim(requests: readonly Request[]): Promise<void> {
    let open = requests;
    for (let tries = 1; open.length > 0; tries += 1) {
      await this.#change("+", claimsIn(open));
      let others = await this.#inside((directory) => this.#look(directory));
      const contested = open.filter(({ claim }) => holderOf(claim, others) !== undefined);
      for (const request of open) if (!contested.includes(request)) this.#grant(request);
      if (contested.length === 0) return;
      await this.#change("-", claimsIn(contested));
      // The other one may have seen us as well and given way, too.
      await delay(Math.random() * longestGivingWayMs);
      const before = others;
      others = await this.#inside((directory) => this.#look(directory));
      open = contested.filter(({ claim, resolve }) => {
        const holder = holderOf(claim, tries < mostTries ? others : before);
        if (holder !== undefined) resolve(holder);
        return holder === undefined;
      });
    }
  }

  /** Where our file is gone we come again: the root is the right one, as was found out just before. */
  async #claimAnew(requests: readonly Request[], error: unknown): Promise<void> {
    if (!failedWith(error, "ENOENT") || this.#joined === undefined) throw error;
    await this.#joinAnew();
    await this.#claim(requests);
  }

  async #joinAnew(): Promise<void> {
    const { id: before } = this.#joined ?? {};
    this.#leave();
    await this.#join();
    if (before !== undefined) await this.#inside((directory) => removeClaims(directory, before));
    await this.#dropLost();
  }

  #grant({ claim, resolve }: Request): void {
    const directory = directoryIn(claim);
    // From now on nobody who released it before takes the claim back.
    if (directory !== undefined && !this.#held.has(directory)) this.#held.set(directory, new Set());
    resolve(undefined);
  }

  /** Claims that another tracer has by now are lost. */
  async #dropLost(): Promise<void> {
    const others = await this.#inside((directory) => this.#look(directory));
    for (const [directory, claims] of this.#held) {
      if (holderOf(claimOn(directory), others) === undefined) continue;
      for (const claim of claims) (claim as { isLost: boolean }).isLost = true;
      this.#held.delete(directory);
      await this.#change("-", [claimOn(directory)]);
    }
  }

  async #look(directory: OpenDirectory): Promise<OtherTracer[]> {
    const nowMs = (await this.#beat(directory)) ?? this.#options.clock.now();
    return this.#others.look(directory, nowMs, (id) => this.#ids.has(id));
  }

  /** Gives a sign of life; resolves with when that was by the file system's clock, where it was possible. */
  async #beat(directory: OpenDirectory): Promise<number | undefined> {
    const { id } = this.#joined ?? {};
    if (id === undefined) return undefined;
    this.#beats += 1;
    try {
      const file = await open(directory.at(claimsOf(id)), O_WRONLY | O_NOFOLLOW);
      try {
        await file.write(encodeBeat(this.#beats), 0);
        return (await file.stat()).mtimeMs;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (failedWith(error, "ENOENT")) throw error;
      // Full, read-only, denied: the next one may work.
      return undefined;
    }
  }

  #beatInTurn(): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    this.#inTurn(() => this.#inside((directory) => this.#beat(directory)))
      .catch((error) => {
        if (failedWith(error, "ENOENT", "ENOTDIR", "ELOOP") && !this.#isClosed) this.#options.onGone();
      })
      .finally(() => {
        this.#isBeating = false;
      });
  }

  /** Writes down what is claimed, or claimed no more. */
  async #change(sign: "+" | "-", claims: readonly string[]): Promise<void> {
    if (this.#isClosed) return;
    if (this.#joined === undefined) await this.#join();
    const { id } = this.#joined!;
    this.#changes += claims.length;
    await this.#inside(async (directory) => {
      if (this.#changes > enoughChanges + 2 * this.#held.size) await this.#compact(directory, id);
      const file = await open(directory.at(claimsOf(id)), O_WRONLY | O_APPEND | O_NOFOLLOW);
      try {
        await file.write(encodeChanges(sign, claims));
      } finally {
        await file.close();
      }
    });
  }

  /** Makes directory, socket and file, in this order: who sees the file can ask the socket. */
  async #join(): Promise<void> {
    if (this.#isClosed) return;
    const id = randomBytes(8).toString("hex");
    this.#ids.add(id);
    await this.#makeDirectory();
    await this.#inside(async (directory) => {
      const server = await listenAsSignOfLife(directory.at(socketOf(id)));
      try {
        await this.#write(directory, id, server !== undefined);
      } catch (error) {
        server?.close();
        await unlink(directory.at(socketOf(id))).catch(() => {});
        throw error;
      }
      this.#joined = { id, server };
    });
  }

  async #compact(directory: OpenDirectory, id: string): Promise<void> {
    await this.#write(directory, id, this.#joined?.server !== undefined);
    this.#changes = 0;
  }

  /** The file as a whole, which nobody sees in part. */
  async #write(directory: OpenDirectory, id: string, hasSocket: boolean): Promise<void> {
    const { clock, identity } = this.#options;
    const since = new Date(clock.now()).toISOString();
    const holder = { id, machine: this.#machine, pid: process.pid, identity, since, hasSocket };
    const claims = [...this.#held.keys()].map(claimOn);
    if (identity !== undefined) claims.unshift(identityClaim(identity));
    const prepared = directory.at(`${id}.new`);
    try {
      await writeFile(prepared, encodeClaimFile(holder, claims), { flag: "wx", mode: 0o644 });
      await rename(prepared, directory.at(claimsOf(id)));
    } catch (error) {
      await unlink(prepared).catch(() => {});
      throw error;
    }
  }

  async #makeDirectory(): Promise<void> {
    const { dirMode } = this.#options;
    try {
      await mkdir(this.#path, 0o755);
    } catch (error) {
      if (failedWith(error, "EEXIST")) return;
      throw error;
    }
    if (dirMode !== undefined) await this.#inside((directory) => chmod(directory.self, dirMode));
  }

  #leave(): void {
    this.#joined?.server?.close();
    this.#joined = undefined;
  }

  async #inside<T>(work: (directory: OpenDirectory) => Promise<T>): Promise<T> {
    const directory = await openDirectory(kernelFileSystem, this.#path, this.#options.canHold);
    try {
      return await work(directory);
    } catch (error) {
      throw withKnownPath(error, directory);
    } finally {
      await kernelFileSystem.close(directory.fd);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** How what is collected is written down, and how a directory. */
export const identityClaim = (identity: string) => `identity ${identity}`;
const claimOn = (directory: string) => `${directoryMark}${directory}`;

function directoryIn(claim: string): string | undefined {
  return claim.startsWith(directoryMark) ? claim.slice(directoryMark.length) : undefined;
}

function claimsIn(requests: readonly Request[]): string[] {
  return requests.map(({ claim }) => claim);
}

export function holderOf(claim: string, others: readonly OtherTracer[]): Holder | undefined {
  return others.find(({ claims }) => claims.has(claim))?.holder;
}

/** The boot id: what another boot or another machine has claimed cannot be asked for on this one. */
export async function thisMachine(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return hostname();
  }
}
