import { readFileSync } from "node:fs";
import type { MetricValue } from "../../src/protocol/metrics.js";
import type { Side } from "../../src/protocol/mux.js";
import type { DetailLevel, Severity } from "../../src/protocol/trace-batch.js";
import type { TraceObject } from "../../src/protocol/trace-object.js";

/** The recorded sessions, see `test/vectors/README.md`. */
export const recordedCases = [
  "small-session",
  "accept-250",
  "connect-250",
  "done-after-250",
  "refused-by-acceptor",
  "refused-by-forwarder",
  "metrics-all",
  "metrics-updated",
  "metrics-names",
  "data-points",
] as const;
export type RecordedCase = (typeof recordedCases)[number];

/** The recordings whose trace objects are known. */
export const objectCases = ["small-session", "accept-250", "connect-250", "done-after-250"] as const;
export const metricsCases = ["metrics-all", "metrics-updated", "metrics-names"] as const;

/** All bytes that one side of a recorded session sent, and whether it had opened the connection. */
export interface Recording {
  readonly bytes: Uint8Array;
  readonly sender: Side;
}

/** Reads a recording: `readVector("accept-250", "forwarder")`. */
export function readVector(name: RecordedCase, sender: "forwarder" | "acceptor"): Recording {
  const bytes = readFileSync(vectorFile(`${name}.${sender}.bin`));
  const directionByte = bytes[4]!;
  return { bytes, sender: directionByte >= 0x80 ? "listener" : "opener" };
}

/** The trace objects of a recorded session as they reached the wire, in order. */
export function expectedObjects(name: (typeof objectCases)[number]): TraceObject[] {
  const lines = readFileSync(vectorFile(`${name}.objects.jsonl`), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => traceObject(JSON.parse(line)));
}

/** The requests and answers about metrics in a recorded session. */
export function expectedMetrics(name: (typeof metricsCases)[number]): {
  requests: ("all" | "updated" | string[])[];
  responses: [string, MetricValue][][];
} {
  const { requests, responses } = JSON.parse(readFileSync(vectorFile(`${name}.expected.json`), "utf8"));
  return {
    requests,
    responses: responses.map((metrics: RecordedMetric[]) =>
      metrics.map(({ name, type, value }) => [
        name,
        type === "label" ? { kind: type, value } : { kind: type, value: BigInt(value) },
      ]),
    ),
  };
}

/** The requests and answers about data points in the session `data-points`; `null` if there was no value. */
export function expectedDataPoints(): { requests: string[][]; replies: [string, string | null][][] } {
  return JSON.parse(readFileSync(vectorFile("data-points.expected.json"), "utf8"));
}

interface RecordedObject {
  readonly human: string | null;
  readonly machine: string;
  readonly namespace: string[];
  readonly severity: Severity;
  readonly details: DetailLevel;
  readonly timestamp: string;
  readonly hostname: string;
  readonly threadId: string;
}

interface RecordedMetric {
  readonly name: string;
  readonly type: MetricValue["kind"];
  readonly value: string;
}

function traceObject(recorded: RecordedObject): TraceObject {
  const { human, machine, namespace, severity, details, timestamp, hostname, threadId } = recorded;
  const time = { ...recordedTime(timestamp) };
  return {
    human: human ?? undefined,
    machine,
    namespace,
    severity,
    details,
    timestamp: time,
    host: hostname,
    thread: threadId,
  };
}

/** Times have twelve digits; second 60 of any length reached the wire as the next midnight. */
function recordedTime(text: string): { seconds: number; picoseconds: number } {
  if (text.includes("23:59:60")) return { seconds: 1_483_228_800, picoseconds: 0 };
  const [whole, fraction] = text.slice(0, -1).split(".") as [string, string];
  return { seconds: Date.parse(`${whole}Z`) / 1_000, picoseconds: Number(fraction) };
}

function vectorFile(name: string): URL {
  return new URL(`../vectors/${name}`, import.meta.url);
}
