import type { Duplex } from "node:stream";
import type { Side } from "../protocol/mux.js";
import { type Address, formatAddress, type LinkAddress } from "../transport/address.js";
import type { LinkCredentials } from "../transport/links/link.js";
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

/** As real nodes: a second at first, then longer. */
const usualReconnect: BackOffLimits = { initialMs: 1_000, maxMs: 45_000 };
/** Connections that a forwarder that listens has at most. */
const maxConnections = 16;
/** How often a forwarder that listens looks for renewed credentials. */
const renewEveryMs = 60_000;

/** Where the tracer is: `connect` where it listens, `listen` where it connects; or the one connection there is. */
export type ForwarderNetwork<Where extends LinkAddress = Address> =
  | {
      readonly mode: "connect" | "listen";
      readonly address: Where;
      /** Asked whenever it connects, and each minute where it listens. If it rejects, that has failed; a listener keeps what it had. */
      readonly credentials?: (() => Promise<LinkCredentials>) | undefined;
    }
  | { readonly mode: "stream"; readonly stream: Duplex; readonly side: Side };

export interface ForwarderOptions<Where extends LinkAddress = Address> {
  /** One that all connections share, or what makes one for each that has shaken hands. */
  readonly source: ForwarderSource | (() => ForwarderSource);
  readonly network: ForwarderNetwork<Where>;
  /** @default 764,824,073, mainnet */
  readonly magic?: number | undefined;
  /** Pauses before a lost connection is made again, in milliseconds. @default 1 s, doubling to 45 s */
  readonly reconnect?: BackOffLimits | undefined;
  /** Measures those pauses. @default the system's */
  readonly clock?: ForwarderClock | undefined;
  /** Keeps no process alive. @default false */
  readonly unref?: boolean | undefined;
  /** Comes back after a tracer's *done*, too, which real nodes do not. @default false */
  readonly returnsAfterDone?: boolean | undefined;
  /** Called with what `report` gives as `lastFault`, when it happens. */
  readonly onFault?: ((message: string) => void) | undefined;
  /** Payload of a segment at most, in bytes, up to 65,535. @default 12,288 as real nodes */
  readonly maxSegmentBytes?: number | undefined;
  /** Makes what differs on a connection, before anything is sent on it; for simulations. */
  readonly hookFor?: ((stream: Duplex) => SessionHook) | undefined;
}

/** What a forwarder was asked and has sent. */
export interface ForwarderReport extends Readonly<ForwarderCounts> {
  /** What went wrong last: why a handshake was refused, what the tracer did wrong, or why it could not be reached. */
  readonly lastFault?: string;
}

export interface RunningForwarder<Where extends LinkAddress = Address> extends AsyncDisposable {
  /** Where it listens; absent if it connects. */
  readonly address: Where | undefined;
  /** Connections there are now, with or without a handshake yet. */
  readonly connectionsNow: number;
  report(): ForwarderReport;
  /**
   * Resolves when every object was sent and the tracer has asked for more or left in order: of one that asks for one reply at a
   * time they are safe then, of one that asks ahead the last may still be on their way. Also after its *done*, and when the
   * forwarder was stopped.
   */
  readonly finished: Promise<void>;
  /** Ends its connections after what it has answered. Idempotent; waits until nothing of it is left. */
  stop(): Promise<void>;
}

/**
 * Starts the other side of the protocol: answers tracers that connect, or connects to one, and again whenever the connection
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
    const { network, reconnect: limits = usualReconnect, clock = systemClock, unref } = this.#options;
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
        onTurnedAway: () => {},
        onRefused: ({ reason, host, detail = reason }) =>
          this.#fail(`a tracer at ${host} was not let in: ${detail}`),
      });
      this.address = listener.address;
      this.#closed = () => listener.stop();
      if (credentials !== undefined) void this.#renew(listener, credentials, clock);
    }
  }

  /** Certificates and tokens are renewed while a program runs: new connections have to show, and are shown, what the files hold now. */
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
        this.#fail(`credentials cannot be read again, those read before stay: ${(error as Error).message}`);
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
    // One that came while we stopped.
    if (this.#stopped !== undefined) stream.destroy();
    const { wasDone } = await session.ended;
    this.#sessions.delete(session);
    if (!wasDone || this.#options.returnsAfterDone) return;
    if (network.mode === "connect") this.#closing.abort();
    this.#resolveFinished();
  }
}
