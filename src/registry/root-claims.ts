import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Holder } from "./claim-file.js";
import { type Clock, within } from "./clock.js";
import { failedWith, ifThere } from "./file-system.js";
import type { OpenDirectory } from "./open-directory.js";
import { type OtherTracer, OtherTracers, removeClaims, silenceLeftMs } from "./other-tracers.js";
import { OwnClaimFile } from "./own-claim-file.js";

/** A tracer counts as gone after three missed heartbeats. */
const beatMs = 10_000;
const fullDisk = ["ENOSPC", "EDQUOT"];
const directoryMark = "directory ";
/** How often two tracers that claim the same at the same moment retry until one of them has it. */
const mostTries = 20;
/** How long one of them waits before it retries, in milliseconds, at random. */
const longestRetryPauseMs = 50;

/** A directory that is ours, for a caller that needs it. */
export interface DirectoryClaim {
  /** Whether another tracer has taken it over because our heartbeats were missing. */
  readonly isLost: boolean;
}

export interface RootClaimsOptions {
  /** The root's real path. */
  readonly root: string;
  /** What is collected; a second tracer with the same text is refused. */
  readonly identity: string | undefined;
  readonly dirMode: number | undefined;
  /** Whether names can be followed through open directories. */
  readonly canHold: boolean;
  readonly clock: Clock;
  /** Our claim file is gone: it was removed, or the whole root was, or its volume is not mounted. */
  readonly onGone: () => void;
  /** There are so many claim files, as no number of tracers leaves, that some are not looked at. */
  readonly onCrowd: (files: number) => void;
}

interface Request {
  readonly claim: string;
  readonly resolve: (holder: Holder | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What this tracer claims below one root against other tracers. Each has its own file, which says what it claims, and a
 * socket that answers as long as it is alive, so nobody changes the file of another living tracer. Claiming means writing
 * the claim down first, and then reading the claims of others: of two tracers at the same moment at least one sees the other.
 */
export class RootClaims {
  readonly #options: RootClaimsOptions;
  readonly #own: OwnClaimFile;
  readonly #others: OtherTracers;
  /** For each directory that is ours, its users. */
  readonly #held = new Map<string, Set<DirectoryClaim>>();
  #waiting: Request[] = [];
  /** One operation at a time: a disk that hangs occupies at most one thread of the pool. */
  #last: Promise<unknown> = Promise.resolve();
  #isRenewing = false;
  readonly #endBeats: () => void;

  private constructor(options: RootClaimsOptions, machine: string) {
    this.#options = options;
    this.#own = new OwnClaimFile({ ...options, machine, claims: () => this.#claims });
    this.#others = new OtherTracers(machine, options.clock, { onCrowd: options.onCrowd });
    this.#endBeats = options.clock.every(beatMs, () => this.#beatInTurn());
  }

  /** Joins the root. A full disk does not prevent that: then claims wait, as lines do. */
  static async open(options: RootClaimsOptions): Promise<RootClaims> {
    const claims = new RootClaims(options, await thisMachine());
    try {
      await claims.#inTurn(async () => {
        try {
          await claims.#own.join();
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

  /** The tracer that already runs the same configuration here. */
  async twin(): Promise<Holder | undefined> {
    const { identity } = this.#options;
    if (identity === undefined) return undefined;
    const claim = claimOnIdentity(identity);
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
   * Waits until each tracer that cannot be asked has sent a heartbeat, or has been silent for long enough to count as gone.
   * Only for those that are there at once: later ones see our claims.
   *
   * @param onWait called once for each of them, with how long at most, in milliseconds
   * @param stopping ends the wait when it fires
   */
  async awaitSilent(
    onWait: (holder: Holder, milliseconds: number) => void,
    stopping?: AbortSignal,
  ): Promise<void> {
    let awaited: ReadonlySet<string> | undefined;
    const stopped = new Promise((resolve) => stopping?.addEventListener("abort", resolve, { once: true }));
    while (!stopping?.aborted) {
      const doubtful = (await this.#livingOthers()).filter(({ hasHeartbeat }) => !hasHeartbeat);
      if (awaited === undefined) {
        for (const other of doubtful) onWait(other.holder, Math.max(0, silenceLeftMs(other)));
      }
      awaited ??= new Set(doubtful.map(({ holder }) => holder.id));
      if (!doubtful.some(({ holder }) => awaited!.has(holder.id))) return;
      await within(this.#options.clock, 1_000, stopped);
    }
  }

  /** Resolves with the claim, or with the tracer that has the directory. */
  async hold(directory: string): Promise<DirectoryClaim | { readonly holder: Holder }> {
    if (!this.#held.has(directory)) {
      const holder = await this.#request(claimOn(directory));
      if (holder !== undefined) return { holder };
    }
    const claim = { isLost: false };
    this.#held.get(directory)!.add(claim);
    return claim;
  }

  /** Releasing the last claim of a directory leaves it to other tracers. */
  release(directory: string, claim: DirectoryClaim): void {
    const held = this.#held.get(directory);
    if (held === undefined || !held.delete(claim) || held.size > 0) return;
    this.#held.delete(directory);
    const withdraw = async () => {
      if (!this.#held.has(directory)) await this.#own.change("-", [claimOn(directory)]);
    };
    this.#inTurn(withdraw).catch(() => {});
  }

  /** Whether the directory that has the root's name now has our claim file in it. */
  areThere(): Promise<boolean> {
    return this.#own.isThere();
  }

  /**
   * Joins the root again after it was recreated, with everything claimed; also if our claims exist there already but it is
   * now on another file system, where our socket cannot answer.
   */
  async moveIn({ isOther }: { isOther: boolean }): Promise<void> {
    await this.#inTurn(async () => {
      if (!isOther && (await this.#own.isUnchanged())) return;
      await this.#rejoin();
    });
  }

  /** Stops the heartbeats; our socket answers as long as the process lives, unless `remove` is called. */
  end(): void {
    this.#endBeats();
  }

  /** Removes our claims. */
  async remove(): Promise<void> {
    this.end();
    await this.#inTurn(() => this.#own.remove());
  }

  /** Everything claimed now. */
  get #claims(): readonly string[] {
    const { identity } = this.#options;
    const directories = [...this.#held.keys()].map(claimOn);
    return identity === undefined ? directories : [claimOnIdentity(identity), ...directories];
  }

  async #livingOthers(): Promise<OtherTracer[]> {
    const look = () => this.#own.inside((directory) => this.#look(directory));
    // If a full disk prevented us from joining, there may be no directory at all.
    return this.#inTurn(async () => (this.#own.id === undefined ? ((await ifThere(look())) ?? []) : look()));
  }

  #request(claim: string): Promise<Holder | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ claim, resolve, reject });
      // Requests that arrive while others are being handled are handled together.
      if (this.#waiting.length > 1) return;
      void this.#inTurn(async () => {
        const requests = this.#waiting;
        this.#waiting = [];
        try {
          await this.#claim(requests).catch((error) => this.#claimAgain(requests, error));
        } catch (error) {
          for (const request of requests) request.reject(error);
        }
      });
    });
  }

  /** Settles each request; nothing of a refused one stays in the file. */
  async #claim(requests: readonly Request[]): Promise<void> {
    let open = requests;
    for (let tries = 1; open.length > 0; tries += 1) {
      await this.#own.change("+", claimsIn(open));
      let others = await this.#own.inside((directory) => this.#look(directory));
      const contested = open.filter(({ claim }) => holderOf(claim, others) !== undefined);
      for (const request of open) if (!contested.includes(request)) this.#grant(request);
      if (contested.length === 0) return;
      await this.#own.change("-", claimsIn(contested));
      // The other one may have seen us as well and given way, too.
      await delay(Math.random() * longestRetryPauseMs);
      const before = others;
      others = await this.#own.inside((directory) => this.#look(directory));
      open = contested.filter(({ claim, resolve }) => {
        const holder = holderOf(claim, tries < mostTries ? others : before);
        if (holder !== undefined) resolve(holder);
        return holder === undefined;
      });
    }
  }

  /** If our file is gone we join again: the root was just found to be the right one. */
  async #claimAgain(requests: readonly Request[], error: unknown): Promise<void> {
    if (!failedWith(error, "ENOENT") || this.#own.id === undefined) throw error;
    await this.#rejoin();
    await this.#claim(requests);
  }

  async #rejoin(): Promise<void> {
    const { id: before } = this.#own;
    this.#own.leave();
    await this.#own.join();
    if (before !== undefined) await this.#own.inside((directory) => removeClaims(directory, before));
    await this.#dropLost();
  }

  #grant({ claim, resolve }: Request): void {
    const directory = directoryIn(claim);
    // From now on no earlier release removes the claim.
    if (directory !== undefined && !this.#held.has(directory)) this.#held.set(directory, new Set());
    resolve(undefined);
  }

  /** Claims that another tracer has taken meanwhile are lost. */
  async #dropLost(): Promise<void> {
    const others = await this.#own.inside((directory) => this.#look(directory));
    for (const [directory, claims] of this.#held) {
      if (holderOf(claimOn(directory), others) === undefined) continue;
      for (const claim of claims) (claim as { isLost: boolean }).isLost = true;
      this.#held.delete(directory);
      await this.#own.change("-", [claimOn(directory)]);
    }
  }

  async #look(directory: OpenDirectory): Promise<OtherTracer[]> {
    const nowMs = (await this.#own.beat(directory)) ?? this.#options.clock.now();
    return this.#others.look(directory, nowMs, (id) => this.#own.isOurs(id));
  }

  #beatInTurn(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    this.#inTurn(() => this.#own.inside((directory) => this.#own.beat(directory)))
      .catch((error) => {
        if (failedWith(error, "ENOENT", "ENOTDIR", "ELOOP") && !this.#own.isClosed) this.#options.onGone();
      })
      .finally(() => {
        this.#isRenewing = false;
      });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** How directories and identities are written in the file. */
export const claimOnIdentity = (identity: string) => `identity ${identity}`;
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

/** The boot id: tracers of another boot or machine cannot be asked from this one. */
export async function thisMachine(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return hostname();
  }
}
