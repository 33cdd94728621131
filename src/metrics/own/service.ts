import type { OwnFamilies } from "./families.js";
import type { EndpointReading, OwnReading } from "./reading.js";

const stateNumbers = { ok: 0, degraded: 1, failing: 2 } as const;
const labelNames = ["endpoint"];

/** Health, disks and HTTP endpoints: what operators see of the daemon as a service. */
export function addServiceFamilies(families: OwnFamilies<OwnReading>): void {
  families.gauge(
    { name: "muninn_ready", help: "1 if traces are accepted and kept (/readyz answers 200), otherwise 0." },
    ({ health }) => [[{}, health.ready ? 1 : 0]],
  );
  families.gauge(
    {
      name: "muninn_health_check_state",
      help: "State of each check of /healthz: 0 ok, 1 degraded, 2 failing.",
      labelNames: ["check"],
    },
    ({ health }) => [...health.checks].map(({ name, state }) => [{ check: name }, stateNumbers[state]]),
  );
  families.gauge(
    {
      name: "muninn_disk_size_bytes",
      help: "Size in bytes of the file system that holds each log root.",
      labelNames: ["root"],
    },
    ({ disks }) => [...disks].map(({ path, sizeBytes }) => [{ root: path }, sizeBytes]),
  );
  families.gauge(
    {
      name: "muninn_disk_available_bytes",
      help: "Bytes free for log files on the file system that holds each log root.",
      labelNames: ["root"],
    },
    ({ disks }) => [...disks].map(({ path, availableBytes }) => [{ root: path }, availableBytes]),
  );
  addEndpointFamilies(families);
}

function addEndpointFamilies(families: OwnFamilies<OwnReading>): void {
  const perEndpoint =
    (field: keyof EndpointReading & ("connections" | "slowReadersCut" | "connectionsRefused")) =>
    ({ endpoints }: OwnReading) =>
      [...endpoints].map((reading) => [{ endpoint: reading.endpoint }, reading[field]] as const);
  families.gauge(
    {
      name: "muninn_http_connections",
      help: "Open client connections at each HTTP endpoint.",
      labelNames,
    },
    perEndpoint("connections"),
  );
  families.counter(
    {
      name: "muninn_http_slow_readers_cut_total",
      help: "HTTP clients disconnected because they did not read their answer.",
      labelNames,
    },
    perEndpoint("slowReadersCut"),
  );
  families.counter(
    {
      name: "muninn_http_connections_refused_total",
      help: "HTTP connections refused because too many were open.",
      labelNames,
    },
    perEndpoint("connectionsRefused"),
  );
  families.counter(
    {
      name: "muninn_http_connections_closed_total",
      help: "HTTP connections closed because others needed their place while they were idle, or because TLS failed.",
      labelNames: [...labelNames, "reason"],
    },
    function* ({ endpoints }) {
      for (const { endpoint, connectionsClosed } of endpoints) {
        for (const [reason, count] of connectionsClosed) yield [{ endpoint, reason }, count];
      }
    },
  );
  families.counter(
    {
      name: "muninn_http_answers_total",
      help: "HTTP requests answered, by status code.",
      labelNames: [...labelNames, "status"],
    },
    function* ({ endpoints }) {
      for (const { endpoint, answers } of endpoints) {
        for (const [status, count] of answers) yield [{ endpoint, status: String(status) }, count];
      }
    },
  );
}
