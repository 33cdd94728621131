import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { NewNames } from "../nodes/new-names.js";
import type { NatsSession } from "../sinks/nats/link.js";
import type { SinkLog } from "../sinks/sink-kind.js";
import { Leases, leaseMs } from "./leases.js";

export interface SubjectsOptions {
  readonly session: NatsSession;
  readonly stream: string;
  readonly group: string;
  /** The leases of a group; a single collector has all subjects. */
  readonly isShared: boolean;
  readonly id: string;
  /** Reads one subject until `signal` ends it. @throws the error that prevents it */
  readonly read: (subject: string, durable: string, signal: AbortSignal) => Promise<void>;
  /** Pause before it is tried again. */
  readonly onFault: (subject: string, error: Error, retryMs: number) => void;
  /** Most subjects at the same time. */
  readonly most: number;
  /** Limits subjects that were never read before. */
  readonly newSubjects: NewNames;
  /** The durable consumers of subjects that were read before. */
  readonly knownDurables: () => Promise<ReadonlySet<string>>;
  /** Called after each look with how many subjects are not read because of these limits. */
  readonly onPostponed: (subjects: number) => void;
  readonly log: SinkLog;
}

const lookEveryMs = 2_000;
/** A longer list of subjects is requested less often, in proportion: anybody who may write to the stream can make it long. */
const fewSubjects = 1_000;
/** Most subjects in one answer of a server; no more are requested. */
const mostListed = 100_000;
/** Longest pause after a subject could not be read. */
const longestPauseMs = 30_000;
/** Leases are renewed long before they expire, and given up before others may take them. */
const heldMs = leaseMs - 3_000;

interface Reading {
  readonly subject: string;
  readonly ending: AbortController;
  done: Promise<void>;
  heldAt: number;
}

/** Finds the subjects of the stream, and reads those that are ours, as long as they are. */
export class Subjects {
  readonly #options: SubjectsOptions;
  /** By durable consumer. */
  readonly #readings = new Map<string, Reading>();
  #listed: readonly string[] = [];
  #listAgainAt = 0;

  constructor(options: SubjectsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#readings.size;
  }

  /** Runs until `signal` ends it or the connection ends. @throws the servers' error */
  async run(signal: AbortSignal): Promise<void> {
    const { session, stream, group, isShared, id } = this.#options;
    const ending = AbortSignal.any([signal, session.over]);
    let leases: Leases | undefined;
    try {
      leases = isShared ? await Leases.open({ session, stream, group, id }) : undefined;
      while (!ending.aborted) {
        await this.#look(leases);
        await delay(lookEveryMs, undefined, { signal: ending }).catch(() => {});
      }
    } finally {
      await this.#endAll(leases);
    }
  }

  async #look(leases: Leases | undefined): Promise<void> {
    const { group, most } = this.#options;
    await this.#list();
    if (this.#readings.size >= most) await this.#endEmptied(leases);
    const known = [...this.#readings.values()].map(({ subject }) => subject);
    const subjects = [...new Set([...this.#listed, ...known])].sort();
    const members = leases === undefined ? 1 : await this.#answerOr(subjects.length, () => leases.join());
    const share = Math.min(most, Math.ceil(subjects.length / members));
    for (const [index, [durable]] of [...this.#readings].entries())
      if (index >= share) await this.#end(durable, leases);
    const readBefore = await this.#options.knownDurables();
    let postponed = 0;
    for (const subject of subjects) {
      const durable = durableName(group, subject);
      const isNew = !this.#readings.has(durable);
      if (isNew && (this.#readings.size >= share || !this.#mayBegin(readBefore.has(durable)))) postponed += 1;
      else if (leases === undefined) this.#begin(subject, durable);
      else await this.#keep(subject, durable, leases);
      if (isNew && this.#readings.has(durable) && !readBefore.has(durable))
        this.#options.newSubjects.take("");
    }
    // Those of other members are read by them.
    this.#options.onPostponed(members === 1 ? postponed : 0);
  }

  #mayBegin(wasReadBefore: boolean): boolean {
    return wasReadBefore || this.#options.newSubjects.allows("");
  }

  /** Requests the stream's subjects if it is time to. */
  async #list(): Promise<void> {
    const now = performance.now();
    if (now < this.#listAgainAt) return;
    const { session, stream } = this.#options;
    const { state } = await session.manager.streams.info(stream);
    const count = state.num_subjects ?? 0;
    this.#listed = count > mostListed ? await this.#firstPage() : await this.#allSubjects();
    if (count > fewSubjects) this.#listAgainAt = now + (lookEveryMs * count) / fewSubjects;
  }

  async #allSubjects(): Promise<string[]> {
    const { session, stream } = this.#options;
    const { state } = await session.manager.streams.info(stream, { subjects_filter: ">" });
    return Object.keys(state.subjects ?? {});
  }

  /** The library would request all pages and join them. */
  async #firstPage(): Promise<string[]> {
    const { session, stream } = this.#options;
    const asked = JSON.stringify({ subjects_filter: ">" });
    const answer = await session.connection.request(`$JS.API.STREAM.INFO.${stream}`, asked);
    const { state } = answer.json<{ state?: { subjects?: Record<string, number> } }>();
    return Object.keys(state?.subjects ?? {});
  }

  /** Frees the places of subjects that have nothing left in the stream. */
  async #endEmptied(leases: Leases | undefined): Promise<void> {
    const listed = new Set(this.#listed);
    for (const [durable, { subject }] of [...this.#readings])
      if (!listed.has(subject)) await this.#end(durable, leases);
  }

  /** Nobody answers while a leader is elected, which takes less time than a lease lasts. */
  async #answerOr<T>(otherwise: T, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch {
      return otherwise;
    }
  }

  async #keep(subject: string, durable: string, leases: Leases): Promise<void> {
    const reading = this.#readings.get(durable);
    const askedAt = performance.now();
    const isHeld = await this.#answerOr<boolean | undefined>(undefined, () => leases.hold(durable));
    if (isHeld === true) {
      this.#begin(subject, durable);
      this.#readings.get(durable)!.heldAt = askedAt;
    } else if (reading !== undefined && (isHeld === false || askedAt - reading.heldAt > heldMs)) {
      this.#options.log.notice("collect_lease_lost", `${subject} is now read by another collector`, {
        subject,
      });
      await this.#end(durable);
    }
  }

  #begin(subject: string, durable: string): void {
    if (this.#readings.has(durable)) return;
    const reading: Reading = {
      subject,
      ending: new AbortController(),
      done: Promise.resolve(),
      heldAt: performance.now(),
    };
    this.#readings.set(durable, reading);
    reading.done = this.#readOn(reading, durable);
  }

  async #readOn({ subject, ending: { signal } }: Reading, durable: string): Promise<void> {
    const { session, read, onFault, log } = this.#options;
    log.info("collect_subject", `reading ${subject}`, { subject });
    const ending = AbortSignal.any([signal, session.over]);
    let pauseMs = lookEveryMs;
    while (!ending.aborted) {
      const begunAt = performance.now();
      try {
        await read(subject, durable, signal);
        pauseMs = lookEveryMs;
      } catch (error) {
        if (ending.aborted) return;
        if (performance.now() - begunAt > longestPauseMs) pauseMs = lookEveryMs;
        onFault(subject, error as Error, pauseMs);
      }
      await delay(pauseMs, undefined, { signal: ending }).catch(() => {});
      pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
    }
  }

  async #end(durable: string, leases?: Leases): Promise<void> {
    const reading = this.#readings.get(durable)!;
    reading.ending.abort();
    await reading.done;
    this.#readings.delete(durable);
    await leases?.release(durable).catch(() => {});
  }

  async #endAll(leases: Leases | undefined): Promise<void> {
    const { session } = this.#options;
    const reachable = session.over.aborted ? undefined : leases;
    await Promise.all([...this.#readings.keys()].map((durable) => this.#end(durable, reachable)));
    await reachable?.leave().catch(() => {});
  }
}

/** A unique name that shows people which subject it is. */
function durableName(group: string, subject: string): string {
  const hash = createHash("sha256").update(subject).digest("hex").slice(0, 8);
  return `${group}-${subject.split(".").at(-1)!.slice(0, 80)}-${hash}`;
}
