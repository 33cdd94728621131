import type { Duplex } from "node:stream";
import type { Side } from "../protocol/mux.js";
import { type Address, formatAddress, type LinkAddress } from "../transport/address.js";
import type { LinkCredentials, ListenOptions } from "../transport/links/link.js";
import { type Listener, openListener } from "../transport/listener.js";
import type { BackOffLimits } from "./back-off.js";
import { type ForwarderClock, systemClock } from "./clock.js";
import { type ForwarderCounts, zeroCounts } from "./counts.js";
import { keepConnected } from "./keep-connected.js";
import { ForwarderSession } from "./session.js";
import type { SessionHook } from "./session-hook.js";
import type { ForwarderSource } from "./source.js";

/** Mainnet. */
export const mainnetMagic = 764_824_073;

/** Like real nodes. */
const defaultReconnect: BackOffLimits = { initialMs: 1_000, maxMs: 45_000 };
/** Most connections of a listening forwarder. */
const maxConnections = 16;
/** How often a listening forwarder reads its credentials again. */
const renewEveryMs = 60_000;

/** How to reach the tracer: `connect` if it listens, `listen` if it connects; or one existing connection. */
export type ForwarderNetwork<Where extends LinkAddress = Address> =
  | {
      readonly mode: "connect" | "listen";
      readonly address: Where;
      /** Read at each attempt to connect, and each minute when listening. If it rejects, the attempt fails; a listener keeps the old ones. */
      readonly credentials?: (() => Promise<LinkCredentials>) | undefined;
    }
  | { readonly mode: "stream"; readonly stream: Duplex; readonly side: Side };

export interface ForwarderOptions<Where extends LinkAddress = Address>
  extends Pick<ListenOptions, "onDirectoryMade"> {
  /** One that all connections share, or a function that makes one for each connection after its handshake. */
  readonly source: ForwarderSource | (() => ForwarderSource);
  readonly network: ForwarderNetwork<Where>;
  /** @default 764,824,073, mainnet */
  readonly magic?: number | undefined;
  /** Pauses before reconnecting, in milliseconds. @default 1 s, doubling to 45 s */
  readonly reconnect?: BackOffLimits | undefined;
  /** Measures those pauses. @default the system's */
  readonly clock?: ForwarderClock | undefined;
  /** Does not keep the process alive. @default false */
  readonly unref?: boolean | undefined;
  /** Also reconnects after a tracer's *done*; real nodes do not. @default false */
  readonly returnsAfterDone?: boolean | undefined;
  /** Called at each fault, with the message that `report` then gives as `lastFault`. */
  readonly onFault?: ((message: string) => void) | undefined;
  /** Most bytes of payload in a segment, up to 65,535. @default 12,288, like real nodes */
  readonly maxSegmentBytes?: number | undefined;
  /** Makes the hook of a connection, before anything is sent on it; for simulations. */
  readonly hookFor?: ((stream: Duplex) => SessionHook) | undefined;
}

/** What a forwarder was asked for and has sent. */
export interface ForwarderReport extends Readonly<ForwarderCounts> {
  /** The last fault: why a handshake was refused, what the tracer did wrong, or why it could not be reached. */
  readonly lastFault?: string;
}

export interface RunningForwarder<Where extends LinkAddress = Address> extends AsyncDisposable {
  /** Where it listens; absent if it connects. */
  readonly address: Where | undefined;
  /** Open connections, with or without a completed handshake. */
  readonly connectionsNow: number;
  report(): ForwarderReport;
  /**
   * Resolves when every object was sent and the tracer has asked for more or left in order: if it asks for one reply at a time,
   * all are safe then; if it pipelines requests, the last may still be on their way. Also after its *done*, and when the
   * forwarder was stopped.
   */
  readonly finished: Promise<void>;
  /** Ends its connections once pending answers are sent. Idempotent; waits until all are closed. */
  stop(): Promise<void>;
}

/**
 * Starts the node's side of the protocol: answers tracers that connect, or connects to one, and reconnects whenever the connection
 * is lost, unless the tracer said *done*.
 * @throws TransportError if it cannot listen
 */
export async function startForwarder<Where extends LinkAddress = Address>(
  options: ForwarderOptions<Where>,
): Promise<RunningForwarder<Where>> {
  const forwarder = new Forwarder(options);
  await forwarder.start();
  return forwarder;
}

class Forwarder<Where extends LinkAddress> implements RunningForwarder<Where> {
  address: Where | undefined;
  readonly finished: Promise<void>;
  readonly #options: ForwarderOptions<Where>;
  readonly #counts = zeroCounts();
  readonly #sessions = new Set<ForwarderSession>();
  /** Aborted when no more connections are made or accepted. */
  readonly #closing = new AbortController();
  #resolveFinished!: () => void;
  #lastFault: string | undefined;
  /** Settles when no more connections are made or accepted. */
  #closed: () => Promise<void> = async () => {};
  #stopped: Promise<void> | undefined;

  constructor(options: ForwarderOptions<Where>) {
    this.#options = options;
    this.finished = new Promise((resolve) => {
      this.#resolveFinished = resolve;
    });
  }

  async start(): Promise<void> {
    const { network, reconnect: limits = defaultReconnect, clock = systemClock, unref } = this.#options;
    if (network.mode === "stream") {
      void this.#run(network.stream, network.side);
    } else if (network.mode === "connect") {
      const { address, credentials } = network;
      const connecting = keepConnected({
        address,
        credentials,
        limits,
        clock,
        run: (stream) => this.#run(stream, "opener"),
        onUnreachable: ({ message }) =>
          this.#fail(`cannot connect to ${formatAddress(address)}, retrying: ${message}`),
        unref,
        signal: this.#closing.signal,
      });
      this.#closed = () => connecting;
    } else {
      const run = async ({ stream }: { stream: Duplex }) => {
        await this.#run(stream, "listener");
        return true;
      };
      const { address, credentials } = network;
      const listener = await openListener({
        address,
        credentials: await credentials?.(),
        maxConnections,
        run,
        unref,
        onTooMany: () => {},
        onDirectoryMade: this.#options.onDirectoryMade,
        onRefused: ({ reason, host, detail = reason }) =>
          this.#fail(`a tracer at ${host} was refused: ${detail}`),
      });
      this.address = listener.address;
      this.#closed = () => listener.stop();
      if (credentials !== undefined) void this.#renew(listener, credentials, clock);
    }
  }

  /** Certificates and tokens may be renewed while a program runs: new connections use what the files hold now, on both sides. */
  async #renew(
    listener: Pick<Listener<Where>, "setCredentials">,
    credentials: () => Promise<LinkCredentials>,
    clock: ForwarderClock,
  ): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await clock.sleep(renewEveryMs, signal);
      if (signal.aborted) return;
      try {
        listener.setCredentials(await credentials());
      } catch (error) {
        this.#fail(`credentials cannot be read again, the old ones stay in use: ${(error as Error).message}`);
      }
    }
  }

  get connectionsNow(): number {
    return this.#sessions.size;
  }

  report(): ForwarderReport {
    return { ...this.#counts, ...(this.#lastFault === undefined ? {} : { lastFault: this.#lastFault }) };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.#closing.abort();
    const closed = this.#closed();
    await Promise.all([...this.#sessions].map((session) => session.close()));
    await closed;
    this.#resolveFinished();
  }

  #fail(message: string): void {
    this.#lastFault = message;
    this.#options.onFault?.(message);
  }

  /** Runs a connection to its end. */
  async #run(stream: Duplex, side: Side): Promise<void> {
    const { source, network, magic = mainnetMagic, maxSegmentBytes, hookFor } = this.#options;
    const session = new ForwarderSession({
      stream,
      side,
      magic,
      openSource: typeof source === "function" ? source : () => source,
      counts: this.#counts,
      onChange: () => {
        if (session.isFinished) this.#resolveFinished();
      },
      onFault: ({ message }) => this.#fail(message),
      maxSegmentBytes,
      hook: hookFor?.(stream),
    });
    this.#sessions.add(session);
    // It was made while we were stopping.
    if (this.#stopped !== undefined) stream.destroy();
    const { wasDone } = await session.ended;
    this.#sessions.delete(session);
    if (!wasDone || this.#options.returnsAfterDone) return;
    if (network.mode === "connect") this.#closing.abort();
    this.#resolveFinished();
  }
}
