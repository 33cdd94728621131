import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Check, ok } from "../health/check.js";
import type { SpareMemory } from "../protocol/spare-memory.js";
import type { NatsCredentials } from "../sinks/nats/credentials.js";
import { NatsLink, type NatsSession } from "../sinks/nats/link.js";
import type { SinkLog } from "../sinks/sink-kind.js";
import type { BatchWriter } from "./batch-writer.js";
import type { CollectCounts } from "./collect-counts.js";
import { Position } from "./position.js";
import { SubjectReader } from "./subject-reader.js";
import { Subjects } from "./subjects.js";

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
  readonly log: SinkLog;
}

const defaultGroup = "muninn";
const pauseMs = 1_000;
/** A problem is reported once in this many milliseconds, and health shows it for as long after it was last seen. */
const quietMs = 60_000;
const faultLastsMs = 5_000;
const mostAheadBytes = 8 * 2 ** 20;

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
  #fault: { readonly reason: string; readonly at: number } | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
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
        if (failure === undefined && (fault === undefined || performance.now() - fault.at > faultLastsMs))
          return ok;
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

  start(): void {
    const { servers, credentials, log } = this.#options;
    this.#link = new NatsLink({
      servers,
      name: "muninn collect",
      credentials,
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
    const { group, stream, id, log } = this.#options;
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
      onFault: (subject, error) => this.#failed(`${subject}: ${error.message}`),
      log,
    });
    await this.#subjects.run(this.#stopping.signal);
  }

  async #read(session: NatsSession, subject: string, durable: string, signal: AbortSignal): Promise<void> {
    const { stateDirectory, isSynced, maxAheadBytes } = this.#options;
    const path = join(stateDirectory, `${durable}.position`);
    const position = await Position.open(path, { isSynced });
    const share = Math.min(mostAheadBytes, maxAheadBytes / Math.max(1, this.subjects));
    try {
      await new SubjectReader({
        ...this.#options,
        session,
        subject,
        durable,
        position,
        maxAheadBytes: Math.ceil(Math.max(share, 2 * session.maxPayload)),
      }).run(signal);
    } finally {
      await position.close();
    }
  }

  #failed(reason: string): void {
    this.#fault = { reason, at: performance.now() };
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
