import type { RegistryReading } from "./handle-registry.js";
import type { ProcessReading } from "./process.js";

/** What became of the objects of one node at one sink. */
export interface AccountReading {
  readonly received: number;
  readonly written: number;
  readonly batches: number;
  readonly bytes: number;
  readonly dropped: ReadonlyMap<string, number>;
}

/** A connected node. */
export interface NodeReading {
  readonly name: string;
  /** Trace-object requests whose reply is not safe yet. */
  readonly requestsOutstanding: number;
  /** Metrics kept of it, and metric values that were refused. */
  readonly metrics: number;
  readonly metricsRefused: number;
}

/** One HTTP endpoint. */
export interface EndpointReading {
  /** `prometheus`, `ekg`, `timeseries`, `health`. */
  readonly endpoint: string;
  readonly connections: number;
  readonly answers: ReadonlyMap<number, number>;
  readonly slowReadersCut: number;
  readonly connectionsRefused: number;
  /** Connections closed before a request, by reason. */
  readonly connectionsClosed: ReadonlyMap<string, number>;
}

/** What is received over OTLP. */
export interface OtlpInReading {
  /** By transport and status, separated by a space. */
  readonly answers: ReadonlyMap<string, number>;
  readonly connections: ReadonlyMap<string, number>;
  /** Connections that were closed by transport and reason, with a space between. */
  readonly closings: ReadonlyMap<string, number>;
  readonly taken: Readonly<Record<"logs" | "metrics", number>>;
  readonly rejected: Readonly<Record<"logs" | "metrics", number>>;
  readonly resources: number;
  readonly heldBytes: number;
}

/** The store of timeseries. */
export interface TimeseriesReading {
  readonly points: number;
  readonly bytes: number;
  readonly series: number;
  /** All points from this time on are kept, in milliseconds since 1970. */
  readonly reachesBackTo: number | undefined;
  readonly evicted: number;
  readonly pruned: number;
  readonly undone: number;
  readonly refused: { readonly collided: number; readonly tooLong: number; readonly noRoom: number };
  readonly queries: ReadonlyMap<string, number>;
  readonly snapshots: { readonly segments: number; readonly bytes: number } | undefined;
}

/** The sources of the daemon's own metrics; each is called once for an exposition, and must not take long. */
export interface OwnSources {
  /** Node (empty: all that left long ago), sink, counts. Whenever nothing is in flight, received = written + Σ dropped. */
  readonly accounts: () => Iterable<readonly [node: string, sink: string, account: AccountReading]>;
  readonly nodes: () => Iterable<NodeReading>;
  readonly connections: () => { readonly handshaking: number; readonly connected: number };
  /** Bytes of all nodes together: asked for, received and not safe, and allowed. */
  readonly flight: () => {
    readonly reservedBytes: number;
    readonly heldBytes: number;
    readonly limitBytes: number;
  };
  readonly registry: () => RegistryReading;
  readonly health: () => {
    readonly ready: boolean;
    readonly checks: Iterable<{
      readonly name: string;
      readonly state: "ok" | "degraded" | "failing";
    }>;
  };
  /** One for each `logRoot` whose space is known. */
  readonly disks: () => Iterable<{
    readonly path: string;
    readonly sizeBytes: number;
    readonly availableBytes: number;
  }>;
  readonly endpoints: () => Iterable<EndpointReading>;
  /** Undefined if there are none. */
  readonly timeseries: () => TimeseriesReading | undefined;
  /** Undefined if OTLP is not received. */
  readonly otlpIn: () => OtlpInReading | undefined;
}

/** Everything at one moment. */
export type OwnReading = { readonly [Name in keyof OwnSources]: ReturnType<OwnSources[Name]> } & {
  readonly process: ProcessReading;
};

/** The sources continue to change, so their numbers are copied. */
export function takeReading(sources: OwnSources, process: ProcessReading): OwnReading {
  return {
    accounts: Array.from(
      sources.accounts(),
      ([node, sink, account]) => [node, sink, copied(account)] as const,
    ),
    nodes: [...sources.nodes()],
    connections: sources.connections(),
    flight: sources.flight(),
    registry: sources.registry(),
    health: sources.health(),
    disks: [...sources.disks()],
    endpoints: [...sources.endpoints()].map((endpoint) => ({
      ...endpoint,
      answers: new Map(endpoint.answers),
    })),
    timeseries: sources.timeseries(),
    otlpIn: sources.otlpIn(),
    process,
  };
}

const noneDropped: AccountReading["dropped"] = new Map();

function copied({ received, written, batches, bytes, dropped }: AccountReading): AccountReading {
  return { received, written, batches, bytes, dropped: dropped.size === 0 ? noneDropped : new Map(dropped) };
}
