import type { Address, LinkAddress } from "./address.js";
import type { Connection } from "./connection.js";
import { joinStreams } from "./join-streams.js";
import { connectOver } from "./links/kinds.js";
import type { LinkStream, ListenOptions, OwnCredentials } from "./links/link.js";
import { openListener } from "./listener.js";

export interface RelayOptions
  extends Pick<ListenOptions, "socketMode" | "maxConnections" | "onDirectoryMade" | "onModeNarrowed"> {
  /** Where nodes connect. */
  readonly listen: Address;
  /** Where the tracer is: for each node one connection is made. */
  readonly to: LinkAddress;
  /** Called at each attempt. If it rejects, the attempt has failed. */
  readonly credentials: () => Promise<OwnCredentials>;
  /** An attempt that takes longer has failed. @default 10_000 */
  readonly connectTimeoutMs?: number;
  readonly observer: RelayObserver;
}

interface RelayObserver {
  /** A node and the tracer are connected, or no longer; `nodes` are so now. */
  changed(nodes: number): void;
  /** Called for the first failure after a success only. */
  unreachable(error: Error): void;
  reachedAgain(): void;
  /** A node was turned away because there are too many. */
  turnedAway(limit: number): void;
}

/** Passes on what nodes and a distant tracer say to each other, as it is. */
export interface Relay {
  /** Where it listens; the port is a real one where 0 was asked for. */
  readonly address: Address;
  /** Ends our side to nodes, passes on what they still send for `drainMs` at most, and stops. Idempotent. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Begins to listen. It holds nothing and answers nothing by itself: where the tracer cannot be reached or is lost, the node's
 * connection is closed, so that it keeps what it has in its own queue and comes back. @throws TransportError
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { listen, to, credentials, connectTimeoutMs = 10_000, observer, ...listening } = options;
  const stopping = new AbortController();
  const passing = new Map<Connection, Promise<void>>();
  let isReachable = true;
  let nodes = 0;

  async function reach(gone: AbortSignal): Promise<LinkStream | undefined> {
    const signal = AbortSignal.any([stopping.signal, gone]);
    try {
      const far = await connectOver(to, {
        signal,
        timeoutMs: connectTimeoutMs,
        credentials: await credentials(),
      });
      if (!isReachable) observer.reachedAgain();
      isReachable = true;
      return far;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (isReachable) observer.unreachable(error as Error);
      isReachable = false;
      return undefined;
    }
  }

  async function pass(near: Connection): Promise<void> {
    const gone = new AbortController();
    const leave = () => gone.abort();
    near.stream.once("close", leave);
    const far = await reach(gone.signal);
    near.stream.off("close", leave);
    if (far === undefined || near.stream.closed || stopping.signal.aborted) {
      near.stream.destroy();
      far?.stream.destroy();
      return;
    }
    nodes += 1;
    observer.changed(nodes);
    await joinStreams(near, far);
    nodes -= 1;
    observer.changed(nodes);
  }

  const listener = await openListener({
    ...listening,
    address: listen,
    chunks: "lent",
    onTurnedAway: observer.turnedAway,
    run: async (connection) => {
      const passed = pass(connection);
      passing.set(connection, passed);
      await passed;
      passing.delete(connection);
      return true;
    },
  });

  async function stop(drainMs: number): Promise<void> {
    await listener.stop();
    stopping.abort();
    const late = setTimeout(() => {
      for (const { stream } of passing.keys()) stream.destroy();
    }, drainMs);
    for (const { stream } of passing.keys()) stream.end();
    await Promise.all(passing.values());
    clearTimeout(late);
  }
  let stopped: Promise<void> | undefined;
  return {
    address: listener.address,
    stop: (drainMs) => {
      stopped ??= stop(drainMs);
      return stopped;
    },
  };
}
