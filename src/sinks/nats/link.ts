import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import type { NatsCredentials } from "./credentials.js";
import { ServerFault } from "./server-lines.js";
import type { MayRead } from "./server-transport.js";

/** One connection to a server, from its handshake to its end. */
export interface NatsSession {
  readonly connection: NatsConnection;
  readonly jetStream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly newHeaders: () => MsgHdrs;
  /** Most bytes that the server accepts in a message, headers included. */
  readonly maxPayload: number;
  /** Aborted when the connection is over. */
  readonly over: AbortSignal;
  /** Resolves when the server has read enough to send more; undefined: more may be sent now. */
  readonly room: () => Promise<void> | undefined;
}

export interface NatsLinkOptions {
  readonly servers: readonly string[];
  /** Our name in the servers' own lists. */
  readonly name: string;
  readonly credentials: NatsCredentials;
  /** Longest message that the server may send. */
  readonly mostMessageBytes: number;
  /** When more of what the server sends may be read. @default always */
  readonly mayRead?: MayRead;
  /** Called with each new connection before it is used; if it fails, the connection is closed and reopened. */
  readonly prepare: (session: NatsSession) => Promise<void>;
  readonly onFailed: (reason: string) => void;
  readonly onConnected: (server: string) => void;
}

const connectTimeoutMs = 5_000;
/** A server that does not answer two of these is gone; nothing else shows that a cable was pulled. */
const pingEveryMs = 10_000;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** If a server accepts us and closes sooner, the next attempt follows a pause, as if it had refused us. */
const steadyMs = 1_000;
/** The most that NATS servers can be configured to accept in a message. */
const mostPayloadBytes = 64 * 2 ** 20;

/**
 * Keeps one connection to one of the servers, and opens another when it ends. The library's own reconnection is not used: it
 * keeps what was sent meanwhile in an unbounded buffer, and we know better what to send again.
 */
export class NatsLink {
  readonly #options: NatsLinkOptions;
  readonly #stopping = new AbortController();
  #credentials: NatsCredentials;
  #session: NatsSession | undefined;
  #waiting = withResolvers<void>();
  #failure: { readonly since: number; readonly reason: string } | undefined;
  #serverFaults = 0;
  readonly #running: Promise<void>;

  constructor(options: NatsLinkOptions) {
    this.#options = options;
    this.#credentials = options.credentials;
    this.#running = this.#run();
  }

  get session(): NatsSession | undefined {
    return this.#session;
  }

  /** Why there is no connection, and since when. */
  get failure(): { readonly since: number; readonly reason: string } | undefined {
    return this.#failure;
  }

  /** Connections that ended because the server sent something forbidden. */
  get serverFaults(): number {
    return this.#serverFaults;
  }

  /** The connection, as soon as there is one; undefined if `signal` ends the wait. */
  async connected(signal: AbortSignal): Promise<NatsSession | undefined> {
    while (this.#session === undefined && !signal.aborted) await untilAborted(signal, this.#waiting.promise);
    return signal.aborted ? undefined : this.#session;
  }

  /** Reconnects with these credentials. */
  async use(credentials: NatsCredentials): Promise<void> {
    this.#credentials = credentials;
    await this.#session?.connection.close();
  }

  /** Idempotent, waits. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#session?.connection.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      try {
        const session = await this.#open();
        const openedAt = performance.now();
        const error = await this.#serve(session);
        if (signal.aborted) return;
        this.#failed(error);
        if (performance.now() - openedAt >= steadyMs) {
          pauseMs = firstPauseMs;
          continue;
        }
      } catch (error) {
        this.#failed(error as Error);
      }
      await delay(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
    }
  }

  async #open(): Promise<NatsSession> {
    const { servers, name, prepare, mostMessageBytes, mayRead } = this.#options;
    const [{ headers }, { jetstream, jetstreamManager }, { connectServer, transportOf }] = await Promise.all([
      import("@nats-io/transport-node"),
      import("@nats-io/jetstream"),
      import("./server-transport.js"),
    ]);
    const connection = await connectServer({
      servers: [...servers],
      name,
      mostMessageBytes,
      mayRead,
      reconnect: false,
      // Only servers of the configuration are used, however many others one names.
      ignoreClusterUpdates: true,
      timeout: connectTimeoutMs,
      pingInterval: pingEveryMs,
      ...this.#credentials,
    });
    const over = new AbortController();
    void connection.closed().then(() => over.abort());
    try {
      const transport = transportOf(connection);
      const session: NatsSession = {
        connection,
        jetStream: jetstream(connection),
        manager: await jetstreamManager(connection, { checkAPI: false }),
        newHeaders: () => headers(),
        maxPayload: maxPayloadOf(connection.info?.max_payload),
        over: over.signal,
        room: () => (transport.isBehind ? transport.drained() : undefined),
      };
      await prepare(session);
      return session;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Resolves with why it ended. */
  async #serve(session: NatsSession): Promise<Error> {
    const { connection } = session;
    const closed = connection.closed();
    if (this.#stopping.signal.aborted) await connection.close();
    else {
      this.#session = session;
      this.#failure = undefined;
      this.#options.onConnected(connection.getServer());
      this.#waiting.resolve();
    }
    const error = ((await closed) as Error | undefined) ?? new Error("the connection was closed");
    this.#session = undefined;
    this.#waiting = withResolvers<void>();
    return error;
  }

  #failed(error: Error): void {
    if (error instanceof ServerFault) this.#serverFaults += 1;
    this.#failure = { since: this.#failure?.since ?? Date.now(), reason: error.message };
    this.#options.onFailed(error.message);
  }
}

/** @throws Error if the server does not state it: with a wrong size, lost messages would count as sent */
function maxPayloadOf(said: unknown): number {
  if (!Number.isSafeInteger(said) || (said as number) < 1)
    throw new Error("the server does not say how long a message may be (max_payload)");
  return Math.min(said as number, mostPayloadBytes);
}

/** Resolves when `done` does, or at the end of `signal`. */
export async function untilAborted(signal: AbortSignal, done: Promise<unknown>): Promise<void> {
  if (signal.aborted) return;
  const aborted = withResolvers<void>();
  const end = () => aborted.resolve();
  signal.addEventListener("abort", end, { once: true });
  try {
    await Promise.race([done, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
