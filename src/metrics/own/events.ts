import { type MetricRefusal, metricRefusals } from "../node/node-metrics.js";
import type { OwnFamilies } from "./families.js";
import type { FamilyOptions } from "./family.js";
import { OwnHistogram } from "./histogram.js";

/** Why a connection ended: the codes of its fault, or how the peer left. */
const connectionEnds = [
  "left",
  "left-mid-reply",
  "probe",
  "closed-by-us",
  "name-not-allowed",
  "connection-failed",
  "peer-silent",
  "peer-not-reading",
  "too-many-names",
  "too-many-leaving",
  "no-room",
  "internal-error",
  "handshake-timeout",
  "handshake-cut",
  "refused-by-us",
  "refused-by-peer",
  "segment-empty",
  "segment-wrong-direction",
  "mini-protocol-unknown",
  "too-long",
  "too-deep",
  "malformed",
  "invalid-utf8",
  "unexpected-message",
] as const;

/** Why a link refused a peer. */
const linkRefusals = [
  "tls",
  "certificate",
  "token",
  "path",
  "not-websocket",
  "timeout",
  "must-wait",
  "too-many",
] as const;

export type LinkRefusal = (typeof linkRefusals)[number];

export type ConnectionEnd = (typeof connectionEnds)[number];

/** Counts events that are counted nowhere else. */
export class OwnEvents {
  readonly #ended = new Map<ConnectionEnd, number>(connectionEnds.map((reason) => [reason, 0]));
  readonly #refused = new Map(this.#ended);
  readonly #batchObjects = new OwnHistogram({
    labelName: "sink",
    bounds: [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096],
  });
  readonly #writeSeconds = new OwnHistogram({
    labelName: "sink",
    bounds: [0.0002, 0.0005, 0.002, 0.005, 0.02, 0.05, 0.2, 0.5, 2, 5, 20],
  });
  readonly #linkRefusals = new Map<LinkRefusal, number>(linkRefusals.map((reason) => [reason, 0]));
  readonly #metricsRefused = new Map<MetricRefusal, number>(metricRefusals.map((reason) => [reason, 0]));
  #refusedConnections = 0;
  #namesLeftOut = 0;

  /** A sink has written or dropped a batch, `seconds` after receiving it. */
  batchSettled(sink: string, objects: number, seconds: number): void {
    this.#batchObjects.observe(sink, objects);
    this.#writeSeconds.observe(sink, seconds);
  }

  /** A connection ended; one that sent something without completing a handshake also counts as a refused handshake. */
  connectionEnded(reason: ConnectionEnd, { handshakeDone }: { readonly handshakeDone: boolean }): void {
    increase(this.#ended, reason);
    if (!handshakeDone && reason !== "probe") increase(this.#refused, reason);
  }

  /** A link has refused a peer. */
  linkRefused(reason: LinkRefusal): void {
    increase(this.#linkRefusals, reason);
  }

  /** This many metrics that a node sent were not kept. */
  metricsRefused(reason: MetricRefusal, count: number): void {
    increase(this.#metricsRefused, reason, count);
  }

  /** A connection was closed because there were too many. */
  connectionRefused(): void {
    this.#refusedConnections += 1;
  }

  /** This many names of nodes' metrics were left out of an exposition because they collide with others. */
  namesLeftOut(count: number): void {
    this.#namesLeftOut += count;
  }

  addTo<Reading>(families: OwnFamilies<Reading>): void {
    families.histogram(
      {
        name: "muninn_batch_objects",
        help: "Number of trace objects in each batch that a sink wrote or dropped.",
      },
      this.#batchObjects,
    );
    families.histogram(
      {
        name: "muninn_write_duration_seconds",
        help: "Seconds from the arrival of a batch until the sink had written or dropped it.",
      },
      this.#writeSeconds,
    );
    const byReason = (options: FamilyOptions, counts: ReadonlyMap<string, number>) =>
      families.counter({ ...options, labelNames: ["reason"] }, () =>
        [...counts].map(([reason, count]) => [{ reason }, count]),
      );
    byReason(
      { name: "muninn_connections_ended_total", help: "Connections to nodes that ended, by reason." },
      this.#ended,
    );
    byReason(
      {
        name: "muninn_handshakes_refused_total",
        help: "Connections that ended before the handshake was complete, by reason.",
      },
      this.#refused,
    );
    byReason(
      {
        name: "muninn_link_refusals_total",
        help: "Peers that muninn.links refused, by reason.",
      },
      this.#linkRefusals,
    );
    byReason(
      {
        name: "muninn_metrics_refused_total",
        help: "Metric values of all nodes refused as too many or too long, since the start, by reason.",
      },
      this.#metricsRefused,
    );
    families.counter(
      {
        name: "muninn_connections_turned_away_total",
        help: "Connections closed at once because too many were open (muninn.maxConnections).",
      },
      () => [[{}, this.#refusedConnections]],
    );
    families.counter(
      {
        name: "muninn_metric_names_left_out_total",
        help: "Metric names of nodes left out because they collide with another, counted each time they are served.",
      },
      () => [[{}, this.#namesLeftOut]],
    );
  }
}

function increase<Key>(counts: Map<Key, number>, key: Key, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
