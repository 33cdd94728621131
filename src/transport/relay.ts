import type { Address, LinkAddress } from "./address.js";
import type { Connection } from "./connection.js";
import { joinStreams } from "./join-streams.js";
import { connectOver } from "./links/kinds.js";
import type { LinkStream, ListenOptions, OwnCredentials } from "./links/link.js";
import { openListener } from "./listener.js";
import { PassingRoom } from "./passing-room.js";

export interface RelayOptions
  extends Pick<ListenOptions, "socketMode" | "maxConnections" | "onDirectoryMade" | "onModeNarrowed"> {
  /** Where nodes connect. */
  readonly listen: Address;
  /** The tracer's address; one connection is opened for each node. */
  readonly to: LinkAddress;
  /** Called at each attempt. If it rejects, the attempt has failed. */
  readonly credentials: () => Promise<OwnCredentials>;
  /** An attempt that takes longer has failed. @default 10_000 */
  readonly connectTimeoutMs?: number;
  readonly observer: RelayObserver;
}

interface RelayObserver {
  /** A node was connected with the tracer, or disconnected; `nodes` are connected now. */
  changed(nodes: number): void;
  /** It cannot be connected to, or ends connections without an answer. Called for the first failure after a success only. */
  unreachable(error: Error): void;
  reachedAgain(): void;
  /** A node was refused because too many are connected. */
  tooMany(limit: number): void;
}

/** Why a tracer that said nothing does not count as reached. */
const silentEnd = "it closed the connection without an answer; its log says why";

/** Passes bytes between nodes and a distant tracer, unchanged. */
export interface Relay {
  /** Where it listens; a port given as 0 is the real one here. */
  readonly address: Address;
  /** Ends our side to nodes, passes on what they still send for `drainMs` at most, and stops. Idempotent. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Starts to listen. It stores nothing and answers nothing itself: if the tracer cannot be reached or is lost, the node's
 * connection is closed, so that the node keeps its objects in its own queue and reconnects. @throws TransportError
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { listen, to, credentials, connectTimeoutMs = 10_000, observer, ...listening } = options;
  const stopping = new AbortController();
  const passing = new Map<Connection, Promise<void>>();
  const room = new PassingRoom();
  let isReachable = true;
  let nodes = 0;

  async function reach(gone: AbortSignal): Promise<LinkStream | undefined> {
    const signal = AbortSignal.any([stopping.signal, gone]);
    try {
      const far = await connectOver(to, {
        signal,
        timeoutMs: connectTimeoutMs,
        credentials: await credentials(),
        chunks: "lent",
      });
      return far;
    } catch (error) {
      if (!signal.aborted) lost(error as Error);
      return undefined;
    }
  }

  function lost(error: Error): void {
    if (isReachable) observer.unreachable(error);
    isReachable = false;
  }

  /**
   * A tracer is reached once it has sent something: with TLS 1.3 it refuses a certificate only after our side of the
   * handshake has succeeded.
   */
  function watch({ stream }: LinkStream, near: Connection): void {
    let failure: Error | undefined;
    const fail = (error: Error) => {
      failure = error;
    };
    const refused = () => {
      const hasNodeLeft = near.stream.readableEnded || near.stream.destroyed;
      if (!hasNodeLeft && !stopping.signal.aborted) lost(failure ?? new Error(silentEnd));
      stream.off("data", answered);
    };
    const answered = () => {
      stream.off("error", fail).off("end", refused).off("close", refused);
      if (!isReachable) observer.reachedAgain();
      isReachable = true;
    };
    stream.on("error", fail).once("end", refused).once("close", refused).once("data", answered);
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
    watch(far, near);
    await joinStreams(near, far, room);
    nodes -= 1;
    observer.changed(nodes);
  }

  const listener = await openListener({
    ...listening,
    address: listen,
    chunks: "lent",
    onTooMany: observer.tooMany,
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
