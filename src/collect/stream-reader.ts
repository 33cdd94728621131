import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Check, type Finding, ok } from "../health/check.js";
import { NewNames } from "../nodes/new-names.js";
import type { SpareMemory } from "../protocol/spare-memory.js";
import type { NatsCredentials } from "../sinks/nats/credentials.js";
import { NatsLink, type NatsSession } from "../sinks/nats/link.js";
import type { SinkMetric } from "../sinks/sink.js";
import type { SinkLog } from "../sinks/sink-kind.js";
import type { BatchWriter } from "./batch-writer.js";
import { ByteBudget } from "./byte-budget.js";
import type { CollectCounts } from "./collect-counts.js";
import { Position } from "./position.js";
import { type HeldMemory, SubjectReader } from "./subject-reader.js";
import { Subjects } from "./subjects.js";
import { UnfinishedPayloads } from "./unfinished-payloads.js";

export interface StreamReaderOptions {
  readonly servers: readonly string[];
  readonly stream: string;
  readonly group?: string | undefined;
  readonly credentials: NatsCredentials;
  readonly id: string;
  /** Where positions are remembered. */
  readonly stateDirectory: string;
  readonly isSynced: boolean;
  readonly writer: BatchWriter;
  readonly counts: CollectCounts;
  readonly maxObjectBytes: number;
  /** For all nodes together. */
  readonly maxAheadBytes: number;
  readonly memory: SpareMemory;
  /** Most subjects, and so nodes, that are read at the same time. */
  readonly mostSubjects: number;
  /** Whether a node of this directory was here before: new ones are limited. */
  readonly isKnownDirectory: (directory: string) => Promise<boolean>;
  readonly newDirectories?: NewNames;
  readonly log: SinkLog;
}

const defaultGroup = "muninn";
const pauseMs = 1_000;
/** A problem is reported once in this many milliseconds, and health shows it for as long after it was last seen. */
const quietMs = 60_000;
const faultLastsMs = 5_000;
const positionEnding = ".position";
const mostAheadBytes = 8 * 2 ** 20;

/** Shares of the memory for messages, see `HeldMemory`; the rest is for the library and its socket. */
const arrivedPart = 1 / 3;
const unfinishedPart = 1 / 6;
const batchesPart = 1 / 3;
/** Longest message from a server: NATS's own maximum, because lists of many subjects are long. */
const mostMessageBytes = 64 * 2 ** 20;

/** Reads a stream from any server that has it, until stopped. */
export class StreamReader {
  /** Resolves with a sentence if these servers can never provide what was asked for. */
  readonly refused: Promise<string>;
  readonly #options: StreamReaderOptions;
  readonly #stopping = new AbortController();
  #refuse!: (reason: string) => void;
  #link: NatsLink | undefined;
  #running: Promise<void> = Promise.resolve();
  #subjects: Subjects | undefined;
  #fault: { readonly reason: string; readonly until: number } | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  readonly #held: HeldMemory;
  readonly #newSubjects = new NewNames();
  readonly #newDirectories: NewNames;
  #postponed = 0;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    const { maxAheadBytes, maxObjectBytes } = options;
    this.#newDirectories = options.newDirectories ?? new NewNames();
    this.#held = {
      arrived: new ByteBudget(maxAheadBytes * arrivedPart),
      // One object of the most bytes is always possible.
      unfinished: new UnfinishedPayloads(Math.max(maxAheadBytes * unfinishedPart, 2 * maxObjectBytes)),
      batches: new ByteBudget(maxAheadBytes * batchesPart),
    };
    this.refused = new Promise((resolve) => {
      this.#refuse = resolve;
    });
  }

  /** Subjects, and so nodes, that are currently read. */
  get subjects(): number {
    return this.#subjects?.count ?? 0;
  }

  get check(): Check {
    const { stream } = this.#options;
    return {
      name: `stream:${stream}`,
      pages: "ready",
      find: () => {
        const failure = this.#link?.failure;
        const fault = this.#fault;
        if (failure === undefined && (fault === undefined || performance.now() > fault.until))
          return this.#postponed === 0 ? ok : this.#tooManySubjects();
        return {
          state: "failing",
          reason: `stream ${stream} cannot be read, retrying: ${failure?.reason ?? fault!.reason}`,
          action:
            failure === undefined
              ? "Create the stream, give the user permission to read it, or fix the cause named here. Nothing is lost as long as the stream keeps it."
              : "Start the NATS servers, or fix --from or the credentials under muninn.collect. Nothing is lost as long as the stream keeps it.",
        };
      },
    };
  }

  metrics(): SinkMetric[] {
    return [
      {
        name: "muninn_collect_server_faults_total",
        help: "Connections closed because the server sent what no NATS server sends, or too much of it.",
        type: "counter",
        read: () => [[{}, this.#link?.serverFaults ?? 0]],
      },
      {
        name: "muninn_collect_evicted_batches_total",
        help: "Unfinished batches that took too much memory; they are read again later.",
        type: "counter",
        read: () => [[{}, this.#held.unfinished.evicted]],
      },
      {
        name: "muninn_collect_postponed_subjects",
        help: "Subjects not read now because there are too many, or too many new ones.",
        type: "gauge",
        read: () => [[{}, this.#postponed]],
      },
    ];
  }

  /** Memory of messages that have arrived and are not written. */
  get heldBytes(): number {
    const { arrived, unfinished, batches } = this.#held;
    return arrived.bytes + unfinished.bytes + batches.bytes;
  }

  start(): void {
    const { servers, credentials, log } = this.#options;
    this.#link = new NatsLink({
      servers,
      name: "muninn collect",
      credentials,
      mostMessageBytes,
      mayRead: () => this.#held.arrived.room(),
      prepare: async () => {},
      onFailed: (reason) => this.#reportFailure(reason),
      onConnected: (server) => log.info("nats_connected", `connected to NATS at ${server}`, { server }),
    });
    this.#running = this.#run(this.#link);
  }

  /** Reconnects with these credentials. */
  async use(credentials: NatsCredentials): Promise<void> {
    await this.#link?.use(credentials);
  }

  /** Finishes current writes, gives up its leases, and closes the connection. Idempotent, waits. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#link?.stop();
  }

  async #run(link: NatsLink): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      const session = await link.connected(signal);
      if (session === undefined) return;
      try {
        await this.#readAll(session);
      } catch (error) {
        if (session.over.aborted) continue;
        this.#failed((error as Error).message);
        await delay(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #readAll(session: NatsSession): Promise<void> {
    const { group, stream, id, counts, mostSubjects, log } = this.#options;
    const isShared = knowsGroups(session.connection.info!.version);
    if (!isShared && group !== undefined) {
      const { version } = session.connection.info!;
      this.#refuse(
        `--group needs NATS servers 2.10 or later, and these are ${version}: run one collector without it, or upgrade them`,
      );
      return new Promise((resolve) => this.#stopping.signal.addEventListener("abort", () => resolve()));
    }
    this.#subjects = new Subjects({
      session,
      stream,
      group: group ?? defaultGroup,
      isShared,
      id,
      read: (subject, durable, signal) => this.#read(session, subject, durable, signal),
      onFault: (subject, error, retryMs) => {
        counts.failed();
        this.#failed(`${subject}: ${error.message}`, retryMs);
      },
      most: mostSubjects,
      newSubjects: this.#newSubjects,
      knownDurables: () => this.#knownDurables(),
      onPostponed: (subjects) => {
        this.#postponed = subjects;
        counts.postponed(subjects);
      },
      log,
    });
    await this.#subjects.run(this.#stopping.signal);
  }

  async #read(session: NatsSession, subject: string, durable: string, signal: AbortSignal): Promise<void> {
    const { stateDirectory, isSynced, maxAheadBytes } = this.#options;
    const path = join(stateDirectory, `${durable}${positionEnding}`);
    const position = await Position.open(path, { isSynced });
    const share = Math.min(mostAheadBytes, maxAheadBytes / Math.max(1, this.subjects));
    try {
      await new SubjectReader({
        ...this.#options,
        session,
        subject,
        durable,
        position,
        held: this.#held,
        mayWriteTo: (directory) => this.#mayWriteTo(directory),
        maxAheadBytes: Math.ceil(Math.max(share, 2 * session.maxPayload)),
      }).run(signal);
    } finally {
      await position.close();
    }
  }

  async #knownDurables(): Promise<ReadonlySet<string>> {
    const names = await readdir(this.#options.stateDirectory);
    return new Set(
      names
        .filter((name) => name.endsWith(positionEnding))
        .map((name) => name.slice(0, -positionEnding.length)),
    );
  }

  async #mayWriteTo(directory: string): Promise<boolean> {
    return (await this.#options.isKnownDirectory(directory)) || this.#newDirectories.take("");
  }

  #tooManySubjects(): Finding {
    return {
      state: "degraded",
      reason: `${this.#postponed} subjects of stream ${this.#options.stream} are not read yet: there are too many, or too many new ones`,
      action:
        "Check who may write to the stream. Subjects read before are still read; muninn.maxConnections limits how many at once.",
    };
  }

  #failed(reason: string, retryMs = 0): void {
    this.#fault = { reason, until: performance.now() + retryMs + faultLastsMs };
    this.#reportFailure(reason);
  }

  #reportFailure(reason: string): void {
    const now = performance.now();
    if (now - this.#reportedAt < quietMs) return;
    this.#reportedAt = now;
    const { stream, log } = this.#options;
    log.warning("collect_failed", `stream ${stream} cannot be read, retrying: ${reason}`, { stream });
  }
}

/** 2.9 loses consumers that are created while a leader is elected, and groups create them all the time. */
function knowsGroups(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}
