import type { OwnFamilies } from "./families.js";
import type { OtlpInReading, OwnReading } from "./reading.js";

type Row = readonly [labels: Readonly<Record<string, string>>, value: number];

/** What is received over OTLP. No series if that is not configured. */
export function addOtlpInFamilies(families: OwnFamilies<OwnReading>): void {
  const rows =
    (of: (otlpIn: OtlpInReading) => readonly Row[]) =>
    ({ otlpIn }: OwnReading): readonly Row[] =>
      otlpIn === undefined ? [] : of(otlpIn);
  families.gauge(
    { name: "muninn_otlp_in_resources", help: "OTLP resources that are nodes at the moment." },
    rows(({ resources }) => [[{}, resources]]),
  );
  families.gauge(
    {
      name: "muninn_otlp_in_held_bytes",
      help: "Estimated memory in bytes of OTLP requests not answered yet.",
    },
    rows(({ heldBytes }) => [[{}, heldBytes]]),
  );
  families.counter(
    {
      name: "muninn_otlp_in_answers_total",
      help: "OTLP requests answered, by transport (HTTP or gRPC) and its status code.",
      labelNames: ["transport", "status"],
    },
    rows(({ answers }) =>
      [...answers].map(([key, count]) => {
        const [transport, status] = key.split(" ");
        return [{ transport: transport!, status: status! }, count];
      }),
    ),
  );
  families.gauge(
    {
      name: "muninn_otlp_in_connections",
      help: "Open connections of OTLP clients.",
      labelNames: ["transport"],
    },
    rows(({ connections }) => [...connections].map(([transport, count]) => [{ transport }, count])),
  );
  families.counter(
    {
      name: "muninn_otlp_in_connections_closed_total",
      help: "Connections of OTLP clients that were closed because of what they did, or to make room.",
      labelNames: ["transport", "reason"],
    },
    rows(({ closings }) =>
      [...closings].map(([key, count]) => {
        const [transport, reason] = key.split(" ");
        return [{ transport: transport!, reason: reason! }, count];
      }),
    ),
  );
  const signals = (counts: OtlpInReading["taken"]): readonly Row[] => [
    [{ signal: "logs" }, counts.logs],
    [{ signal: "metrics" }, counts.metrics],
  ];
  families.counter(
    {
      name: "muninn_otlp_in_taken_total",
      help: "OTLP log records that are safe, and metric data points that were accepted, by signal.",
      labelNames: ["signal"],
    },
    rows(({ taken }) => signals(taken)),
  );
  families.counter(
    {
      name: "muninn_otlp_in_rejected_total",
      help: "OTLP log records and metric data points rejected for good, by signal; the answer gave the reason.",
      labelNames: ["signal"],
    },
    rows(({ rejected }) => signals(rejected)),
  );
}
