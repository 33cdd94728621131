import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
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
  readonly onFault: (subject: string, error: Error) => void;
  readonly log: SinkLog;
}

const lookEveryMs = 2_000;
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
    const { session, stream, group } = this.#options;
    const { state } = await session.manager.streams.info(stream, { subjects_filter: ">" });
    const known = [...this.#readings.values()].map(({ subject }) => subject);
    const subjects = [...new Set([...Object.keys(state.subjects ?? {}), ...known])].sort();
    if (leases === undefined) {
      for (const subject of subjects) this.#begin(subject, durableName(group, subject));
      return;
    }
    const share = Math.ceil(subjects.length / (await this.#tryingOn(() => leases.join(), subjects.length)));
    for (const [index, [durable]] of [...this.#readings].entries()) {
      if (index >= share) await this.#end(durable, leases);
    }
    for (const subject of subjects) {
      const durable = durableName(group, subject);
      if (!this.#readings.has(durable) && this.#readings.size >= share) continue;
      await this.#keep(subject, durable, leases);
    }
  }

  /** While a leader is elected nobody answers; a lease lasts longer than that. */
  async #tryingOn<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await ask();
    } catch {
      return otherwise;
    }
  }

  async #keep(subject: string, durable: string, leases: Leases): Promise<void> {
    const reading = this.#readings.get(durable);
    const askedAt = performance.now();
    const isHeld = await this.#tryingOn<boolean | undefined>(() => leases.hold(durable), undefined);
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
    while (!ending.aborted) {
      try {
        await read(subject, durable, signal);
      } catch (error) {
        if (ending.aborted) return;
        onFault(subject, error as Error);
      }
      await delay(lookEveryMs, undefined, { signal: ending }).catch(() => {});
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
