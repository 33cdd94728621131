import type { Config } from "./config/config.js";
import type { Log } from "./log/log.js";
import { Sessions } from "./nodes/sessions.js";
import type { HandleRegistry } from "./registry/handle-registry.js";
import { openHandleRegistry } from "./registry/open-handle-registry.js";
import { FileSink } from "./sinks/file-sink.js";
import { Router } from "./sinks/router.js";
import { connectorEvents, registryEvents, sessionEvents, turnedAwayEvents } from "./tracer-events.js";
import type { RunConnection } from "./transport/connection.js";
import { openConnectors } from "./transport/connectors.js";
import { openListener } from "./transport/listener.js";

/** For how long a stopping tracer takes what nodes still send. */
const drainMs = 2_000;
/** For how long after that it goes on trying to write; all in all it ends within 5 s. */
const writeMs = 1_500;
/** A request unanswered for this long means that the peer is gone. */
const silenceMs = 30_000;

/** A running tracer: nodes connect, their trace objects land in files. */
export interface Tracer {
  readonly registry: HandleRegistry;
  readonly router: Router;
  readonly sessions: Sessions;
  /** Closes every log file; the next write opens it again, or begins a new one where it was moved away. */
  reopen(): Promise<void>;
  /** Takes what is on its way, writes it, closes everything. Idempotent, waits; about 4 s at most. */
  stop(): Promise<void>;
}

/** Builds the parts, and opens the door last: nothing comes in before it can be kept. */
export async function startTracer(config: Config, log: Log): Promise<Tracer> {
  const { muninn } = config;
  const registry = await openHandleRegistry({
    ...muninn.registry,
    ...muninn.files,
    roots: config.logging.map(({ logRoot }) => logRoot),
    rotation: config.rotation,
    durability: muninn.durability,
    observer: registryEvents(log),
  });
  const router = new Router(
    config.logging.map(
      ({ logRoot, format }) => new FileSink({ logRoot, format, humanLayout: muninn.humanLayout, registry }),
    ),
  );
  const sessions = new Sessions({
    settings: {
      networkMagic: config.networkMagic,
      requestCount: config.loRequestNum,
      requestsAhead: muninn.requestsAhead,
      metricsPauseMs: config.ekgRequestFreqMs,
      metricsFull: config.ekgRequestFull,
      maxObjectBytes: muninn.maxObjectBytes,
      maxAnswerBytes: muninn.maxAnswerBytes,
      handshakeTimeoutMs: muninn.handshakeTimeoutMs,
      nameTimeoutMs: muninn.nameTimeoutMs,
      silenceMs,
    },
    maxInFlightBytes: muninn.maxInFlightBytes,
    destination: router,
    observer: sessionEvents(log),
  });
  const door = await openDoor(config, log, (connection) => sessions.run(connection)).catch(async (error) => {
    await registry.stop();
    throw error;
  });

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await Promise.all([door.stop(), sessions.stop(drainMs)]);
    await registry.stop({ deadlineMs: writeMs });
  };
  return {
    registry,
    router,
    sessions,
    reopen: () => registry.reopen(),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Where connections come from, in either mode. */
interface Door {
  /** Lets nobody else in; those inside stay. */
  stop(): Promise<void>;
}

async function openDoor({ network, muninn }: Config, log: Log, run: RunConnection): Promise<Door> {
  if (network.mode === "ConnectTo") {
    return openConnectors({
      ...muninn.reconnect,
      addresses: network.addresses,
      run,
      observer: connectorEvents(log),
    });
  }
  return openListener({
    address: network.address,
    socketMode: muninn.socketMode,
    maxConnections: muninn.maxConnections,
    run,
    onTurnedAway: turnedAwayEvents(log),
  });
}
