import type { ForwarderSource } from "../forwarder/source.js";
import {
  type ForwarderNetwork,
  type ForwarderOptions,
  type RunningForwarder,
  startForwarder,
} from "../forwarder/start-forwarder.js";
import { type AddressLike, addressOf } from "./address-of.js";
import type { Quirks } from "./quirks.js";
import { QuirkyConnection } from "./quirky-connection.js";

export interface SimulatedNodeOptions
  extends Pick<ForwarderOptions, "magic" | "reconnect" | "clock" | "maxSegmentBytes" | "onDirectoryMade"> {
  readonly source: ForwarderSource;
  readonly network: NodeNetwork;
  readonly quirks?: Quirks | undefined;
}

/** Like a forwarder's; addresses may also be texts: `host:port`, or the path of a socket. */
type NodeNetwork =
  | { readonly mode: "connect" | "listen"; readonly address: AddressLike }
  | Extract<ForwarderNetwork, { mode: "stream" }>;

/** A node that forwards its traces to a tracer; reconnects when it loses the connection, unless the tracer said *done*. */
export interface SimulatedNode extends RunningForwarder {
  /** Sends bytes as they are to every tracer that is connected. */
  sendRaw(bytes: Uint8Array): void;
  /** Sends nothing more on its open connections, and keeps them, until it `heals()`; unsent bytes wait. */
  stalls(): void;
  /** Continues where it had stopped. */
  heals(): void;
  /** Drops its connections at once, like a node that crashes or a link that breaks; it then reconnects as usual. */
  disconnect(): void;
}

/** Starts a node. @throws TransportError if it cannot listen, AddressError */
export async function simulatedNode(options: SimulatedNodeOptions): Promise<SimulatedNode> {
  const { source, network, quirks = {}, ...rest } = options;
  const connections = new Set<QuirkyConnection>();
  let begun = 0;
  const forwarder = await startForwarder({
    ...rest,
    source: quirks.extraObjects === undefined ? source : withExtraObjects(source, quirks.extraObjects),
    network: network.mode === "stream" ? network : { ...network, address: addressOf(network.address) },
    hookFor: (stream) => {
      const connection = new QuirkyConnection(stream, quirks, begun);
      begun += 1;
      connections.add(connection);
      stream.once("close", () => connections.delete(connection));
      return connection;
    },
  });
  const stop = () => forwarder.stop();
  return {
    address: forwarder.address,
    get connectionsNow() {
      return forwarder.connectionsNow;
    },
    report: () => forwarder.report(),
    finished: forwarder.finished,
    sendRaw: (bytes) => {
      for (const connection of connections) connection.sendRaw(bytes);
    },
    stalls: () => {
      for (const connection of connections) connection.hold();
    },
    heals: () => {
      for (const connection of connections) connection.letGo();
    },
    disconnect: () => {
      for (const connection of connections) connection.destroy();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A source that gives more objects than it is asked for. */
function withExtraObjects(source: ForwarderSource, extra: number): ForwarderSource {
  return {
    get metrics() {
      return source.metrics;
    },
    get dataPoints() {
      return source.dataPoints;
    },
    get isOver() {
      return source.isOver;
    },
    takeNow: (count) => source.takeNow(count + extra),
    take: (count, signal) => source.take(count + extra, signal),
  };
}
