import type { Duplex } from "node:stream";
import type { Side } from "../protocol/mux.js";
import { type Address, formatAddress } from "../transport/address.js";
import type { Connection } from "../transport/connection.js";
import { openConnectors } from "../transport/connectors.js";
import { openListener } from "../transport/listener.js";
import { Forwarder, type ForwarderCounts } from "./forwarder.js";
import type { Quirks } from "./quirks.js";
import type { ForwarderSource } from "./source.js";

/** Mainnet. */
const usualMagic = 764_824_073;

/** As real nodes: a second at first, then longer. */
const usualReconnect = { initialMs: 1_000, maxMs: 45_000 };
/** Connections that a node that listens has at most. */
const maxConnections = 16;

export interface SimulatedNodeOptions {
  readonly source: ForwarderSource;
  readonly network: NodeNetwork;
  /** @default 764,824,073, mainnet */
  readonly magic?: number | undefined;
  /** Pauses before a lost connection is made again, in milliseconds. @default 1 s, doubling to 45 s */
  readonly reconnect?: { readonly initialMs: number; readonly maxMs: number } | undefined;
  /** Stands in for those pauses in tests: resolves after so many milliseconds, or when `signal` is aborted. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Payload of a segment at most, in bytes, up to 65,535. @default 12,288 as real nodes */
  readonly maxSegmentBytes?: number | undefined;
  readonly quirks?: Quirks | undefined;
}

/** Where the tracer is: `connect` where it listens, `listen` where it connects; or the one connection there is. */
type NodeNetwork =
  | { readonly mode: "connect" | "listen"; readonly address: Address }
  | { readonly mode: "stream"; readonly stream: Duplex; readonly side: Side };

/** What a node was asked and has sent, over all its connections. */
export interface SimulatedNodeReport extends Readonly<ForwarderCounts> {
  /** What went wrong last: why a handshake was refused, what the tracer did wrong, or why it could not be reached. */
  readonly lastFault?: string;
}

/** A node that forwards its traces to a tracer; comes back when it loses the connection, unless it was told *done*. */
export interface SimulatedNode extends AsyncDisposable {
  /** Where it listens; absent where it connects. */
  readonly address: Address | undefined;
  report(): SimulatedNodeReport;
  /** Sends bytes as they are to every tracer that is connected. */
  sendRaw(bytes: Uint8Array): void;
  /** Says nothing more on the connections there are, and keeps them, until it `heals()`; what it has to say waits. */
  stalls(): void;
  /** Goes on where it had stopped. */
  heals(): void;
  /** Drops its connections at once, as a node that crashes or a link that breaks; it comes back like any other time. */
  disconnect(): void;
  /**
   * Resolves when every object was sent and the tracer has asked for more or left in order: of one that asks for one reply at a
   * time they are safe then, of one that asks ahead the last may still be on their way. Also when it told *done*, or the node
   * was stopped.
   */
  readonly finished: Promise<void>;
  /** Ends its connections after what it has answered. Idempotent; waits until nothing of it is left. */
  stop(): Promise<void>;
}

/** Starts a node. @throws TransportError where it cannot listen */
export async function simulatedNode(options: SimulatedNodeOptions): Promise<SimulatedNode> {
  const node = new Node(options);
  await node.start();
  return node;
}

class Node implements SimulatedNode {
  address: Address | undefined;
  readonly finished: Promise<void>;
  readonly #options: SimulatedNodeOptions;
  readonly #counts: ForwarderCounts = {
    connections: 0,
    refusals: 0,
    faults: 0,
    requests: 0,
    objectsAsked: 0,
    objectsSent: 0,
    bytesSent: 0,
    metricsRequests: 0,
    dataPointRequests: 0,
  };
  readonly #forwarders = new Set<Forwarder>();
  #resolveFinished!: () => void;
  #connectionsBegun = 0;
  #lastFault: string | undefined;
  /** Makes no connection any more. */
  #stopConnecting: () => Promise<void> = async () => {};
  #stopped: Promise<void> | undefined;

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
    this.finished = new Promise((resolve) => {
      this.#resolveFinished = resolve;
    });
  }

  async start(): Promise<void> {
    const { network, reconnect = usualReconnect, pause } = this.#options;
    const run = ({ stream, opener }: Connection) =>
      this.#forward(stream, opener === "us" ? "opener" : "listener");
    if (network.mode === "stream") {
      void this.#forward(network.stream, network.side);
    } else if (network.mode === "connect") {
      const connectors = openConnectors({
        ...reconnect,
        ...(pause === undefined ? {} : { pause }),
        addresses: [network.address],
        run,
        observer: {
          unreachable: (address, error) => {
            this.#lastFault = `cannot connect to ${formatAddress(address)}, trying again: ${error.message}`;
          },
        },
      });
      this.#stopConnecting = () => connectors.stop();
    } else {
      const { address } = network;
      const listener = await openListener({ address, maxConnections, run, onTurnedAway: () => {} });
      this.address = listener.address;
      this.#stopConnecting = () => listener.stop();
    }
  }

  report(): SimulatedNodeReport {
    return { ...this.#counts, ...(this.#lastFault === undefined ? {} : { lastFault: this.#lastFault }) };
  }

  sendRaw(bytes: Uint8Array): void {
    for (const forwarder of this.#forwarders) forwarder.sendRaw(bytes);
  }

  stalls(): void {
    for (const forwarder of this.#forwarders) forwarder.hold();
  }

  heals(): void {
    for (const forwarder of this.#forwarders) forwarder.letGo();
  }

  disconnect(): void {
    for (const forwarder of this.#forwarders) forwarder.destroy();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    await this.#stopConnecting();
    await Promise.all([...this.#forwarders].map((forwarder) => forwarder.close()));
    this.#resolveFinished();
  }

  /** Runs a connection to its end; resolves with whether there was a handshake. */
  async #forward(stream: Duplex, side: Side): Promise<boolean> {
    const { source, magic = usualMagic, maxSegmentBytes, quirks } = this.#options;
    const cutAfterBytes = quirks?.cutAfterBytes?.[this.#connectionsBegun];
    const stallAfterBytes = quirks?.stallAfterBytes?.[this.#connectionsBegun];
    this.#connectionsBegun += 1;
    const forwarder = new Forwarder({
      stream,
      side,
      magic,
      source,
      counts: this.#counts,
      onChange: () => this.#look(),
      maxSegmentBytes,
      quirks,
      cutAfterBytes,
      stallAfterBytes,
    });
    this.#forwarders.add(forwarder);
    if (this.#stopped !== undefined) forwarder.destroy();
    const { toldDone, fault } = await forwarder.ended;
    this.#forwarders.delete(forwarder);
    if (fault !== undefined) this.#lastFault = fault.message;
    if (toldDone) {
      if (this.#options.network.mode === "connect") await this.#stopConnecting();
      this.#resolveFinished();
    }
    return forwarder.hasShakenHands;
  }

  #look(): void {
    if (!this.#options.source.isOver) return;
    for (const forwarder of this.#forwarders) if (forwarder.isAskedPast) this.#resolveFinished();
  }
}
