import type { OwnFamilies } from "./families.js";
import type { AccountReading, OwnReading } from "./reading.js";

const labelNames = ["node", "sink"];

/** Nodes, connections, and what became of each object. */
export function addTraceObjectFamilies(
  families: OwnFamilies<OwnReading>,
  dropReasons: readonly string[],
): void {
  const counts = {
    muninn_objects_received_total: ["Trace objects received, for each node and sink.", "received"],
    muninn_objects_written_total: [
      "Trace objects that the sink has made safe, for each node and sink.",
      "written",
    ],
    muninn_batches_received_total: ["Batches of trace objects received, for each node and sink.", "batches"],
    muninn_received_bytes_total: [
      "Size of the received trace objects in bytes, as nodes sent them, for each node and sink.",
      "bytes",
    ],
  } as const satisfies Record<string, readonly [string, keyof AccountReading]>;
  for (const [name, [help, field]] of Object.entries(counts)) {
    families.counter({ name, help, labelNames }, function* ({ accounts }) {
      for (const [node, sink, account] of accounts) yield [{ node, sink }, account[field]];
    });
  }
  families.counter(
    {
      name: "muninn_objects_dropped_total",
      help: "Trace objects dropped, which will never reach the sink, by reason.",
      labelNames: [...labelNames, "reason"],
    },
    function* ({ accounts }) {
      for (const [node, sink, { dropped }] of accounts) {
        for (const reason of dropReasons) yield [{ node, sink, reason }, dropped.get(reason) ?? 0];
      }
    },
  );
  families.gauge(
    {
      name: "muninn_requests_outstanding",
      help: "Requests sent to each connected node whose trace objects are not safe yet.",
      labelNames: ["node"],
    },
    ({ nodes }) => [...nodes].map(({ name, requestsOutstanding }) => [{ node: name }, requestsOutstanding]),
  );
  families.gauge(
    {
      name: "muninn_node_metrics",
      help: "Metrics kept of each connected node.",
      labelNames: ["node"],
    },
    ({ nodes }) => [...nodes].map(({ name, metrics }) => [{ node: name }, metrics]),
  );
  families.gauge(
    {
      name: "muninn_node_metrics_refused",
      help: "Metric values refused as too many or too long, of each connected node since it connected.",
      labelNames: ["node"],
    },
    ({ nodes }) => [...nodes].map(({ name, metricsRefused }) => [{ node: name }, metricsRefused]),
  );
  families.gauge(
    {
      name: "muninn_connections",
      help: "Connections to nodes, by state: handshaking (until the handshake is complete) or connected.",
      labelNames: ["state"],
    },
    ({ connections }) => Object.entries(connections).map(([state, count]) => [{ state }, count]),
  );
  families.gauge(
    {
      name: "muninn_flight_bytes",
      help: "Bytes of all nodes together, by state: reserved (asked for, not received yet) or held (received, not safe yet).",
      labelNames: ["state"],
    },
    ({ flight: { reservedBytes, heldBytes } }) => [
      [{ state: "reserved" }, reservedBytes],
      [{ state: "held" }, heldBytes],
    ],
  );
  families.gauge(
    {
      name: "muninn_flight_limit_bytes",
      help: "Most bytes that may be reserved and held together (muninn.maxInFlightBytes).",
    },
    ({ flight: { limitBytes } }) => [[{}, limitBytes]],
  );
}
