import { setTimeout as delay } from "node:timers/promises";
import { formatAddress, type LinkAddress } from "./address.js";
import type { RunConnection } from "./connection.js";
import { ConnectionIds } from "./connection-ids.js";
import { connectOver } from "./links/kinds.js";
import type { LinkOptions, LinkStream, OwnCredentials } from "./links/link.js";

/** Pauses vary by up to this share either way, so that many tracers do not connect at once. */
const jitter = 0.2;

export interface ConnectorsOptions extends LinkOptions {
  readonly addresses: readonly LinkAddress[];
  /** First pause before a target is retried, and the longest; each is twice the one before. */
  readonly initialMs: number;
  readonly maxMs: number;
  readonly run: RunConnection;
  readonly observer: ConnectorObserver;
  /** Our credentials, read at each attempt. */
  readonly credentials?: (() => OwnCredentials) | undefined;
  /** Shared by doors whose connections must not have the same ids. @default new ones */
  readonly ids?: ConnectionIds | undefined;
  /** An attempt that is neither accepted nor refused ends after this many milliseconds. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** From 0 to 1. @default Math.random */
  readonly random?: () => number;
  /** Resolves after this many milliseconds, or when `signal` is aborted. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface ConnectorObserver {
  /** Called for the first failure after a success only. */
  unreachable(address: LinkAddress, error: NodeJS.ErrnoException): void;
}

/** The state of one target: `waiting` while the last attempt has failed, also during the next one. */
interface TargetState {
  readonly address: LinkAddress;
  readonly state: "connecting" | "connected" | "waiting";
  /** Milliseconds since 1970 since when it is connected, or is not. */
  readonly since: number;
  readonly error?: NodeJS.ErrnoException;
}

/** Connections to nodes that listen, each reopened forever. */
export interface Connectors {
  targets(): readonly TargetState[];
  /** Opens no new connections; existing ones stay. Idempotent; waits until no attempt is running. */
  stop(): Promise<void>;
}

export function openConnectors(options: ConnectorsOptions): Connectors {
  const stopping = new AbortController();
  const { ids = new ConnectionIds() } = options;
  const targets = options.addresses.map((address) => new Target(address, ids, options, stopping.signal));
  for (const target of targets) void target.keepConnected();
  return {
    targets: () => targets.map((target) => target.state),
    stop: async () => {
      stopping.abort();
      await Promise.all(targets.map((target) => target.attempt));
    },
  };
}

class Target {
  state: TargetState;
  /** Settles when no attempt is running. */
  attempt: Promise<unknown> = Promise.resolve();
  readonly #address: LinkAddress;
  readonly #ids: ConnectionIds;
  readonly #options: ConnectorsOptions;
  readonly #stopping: AbortSignal;

  constructor(address: LinkAddress, ids: ConnectionIds, options: ConnectorsOptions, stopping: AbortSignal) {
    this.#address = address;
    this.#ids = ids;
    this.#options = options;
    this.#stopping = stopping;
    this.state = { address, state: "connecting", since: Date.now() };
  }

  async keepConnected(): Promise<void> {
    const { initialMs, maxMs, random = Math.random, pause = pauseUnlessAborted } = this.#options;
    let pauseMs = initialMs;
    while (!this.#stopping.aborted) {
      const hadHandshake = await this.#connectOnce();
      if (hadHandshake) pauseMs = initialMs;
      await pause(pauseMs * (1 + jitter * (2 * random() - 1)), this.#stopping);
      pauseMs = Math.min(maxMs, 2 * pauseMs);
    }
  }

  /** Connects and runs the connection to its end; resolves with whether there was a handshake. */
  async #connectOnce(): Promise<boolean> {
    const wasWaiting = this.state.state === "waiting";
    const { connectTimeoutMs: timeoutMs = 10_000, chunks, credentials } = this.#options;
    const attempt = connectOver(this.#address, {
      signal: this.#stopping,
      timeoutMs,
      chunks,
      credentials: credentials?.(),
    });
    this.attempt = attempt.catch(() => {});
    let link: LinkStream;
    try {
      link = await attempt;
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (this.#stopping.aborted) return false;
      if (!wasWaiting) this.#options.observer.unreachable(this.#address, failure);
      const since = wasWaiting ? this.state.since : Date.now();
      this.state = { address: this.#address, state: "waiting", since, error: failure };
      return false;
    }
    if (this.#stopping.aborted) {
      link.stream.destroy();
      return false;
    }
    this.state = { address: this.#address, state: "connected", since: Date.now() };
    const id = this.#ids.take(formatAddress(this.#address));
    const peer = formatAddress(this.#address);
    const hadHandshake = await this.#options.run({ ...link, id, opener: "us", peer });
    this.#ids.giveBack(id);
    this.state = { address: this.#address, state: "connecting", since: Date.now() };
    return hadHandshake;
  }
}

async function pauseUnlessAborted(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {});
}
