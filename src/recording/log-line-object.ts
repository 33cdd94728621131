import { isUtf8 } from "node:buffer";
import { type Severity, severities } from "../protocol/trace-batch.js";
import { encodeTraceObject, type TraceObject } from "../protocol/trace-object.js";

/** A line of a log as the trace object it came from, as far as the line shows it. */
export interface LineObject {
  /** Microseconds since 1970, UTC; undefined if the line has no time. */
  readonly at: number | undefined;
  readonly encoded: Uint8Array;
}

/**
 * Makes a trace object of a line: the line itself, byte for byte, is the machine text; time, namespace, severity, thread and
 * host are its `at`, `ns`, `sev`, `thread` and `host`. A line without them, or that is not JSON, gets defaults.
 * Undefined for bytes that are not UTF-8, which no trace object can hold.
 */
export function lineObject(line: Uint8Array, fallbackAt: number): LineObject | undefined {
  if (!isUtf8(line)) return undefined;
  const machine = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString("utf8");
  const fields = readFields(machine);
  const time = timeOf(fields.at);
  const object: TraceObject = {
    human: undefined,
    machine,
    namespace: namespaceOf(fields.ns),
    severity: severityOf(fields.sev),
    details: "DNormal",
    timestamp: time ?? { seconds: Math.floor(fallbackAt / 1e6), picoseconds: (fallbackAt % 1e6) * 1e6 },
    host: textOf(fields.host),
    thread: textOf(fields.thread),
  };
  const at = time === undefined ? undefined : time.seconds * 1e6 + Math.floor(time.picoseconds / 1e6);
  return { at, encoded: encodeTraceObject(object) };
}

function readFields(machine: string): {
  at?: unknown;
  ns?: unknown;
  sev?: unknown;
  host?: unknown;
  thread?: unknown;
} {
  try {
    const value: unknown = JSON.parse(machine);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** `2026-02-16T09:30:01.1234567Z`, or with a space and `UTC` as older nodes wrote it. */
const timeForm = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z| UTC)$/;

function timeOf(at: unknown): TraceObject["timestamp"] | undefined {
  if (typeof at !== "string") return undefined;
  const [, date, time, fraction = ""] = timeForm.exec(at) ?? [];
  const milliseconds = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(milliseconds)) return undefined;
  return { seconds: milliseconds / 1_000, picoseconds: Number(fraction.slice(0, 12).padEnd(12, "0")) };
}

/** Today's nodes write one text with dots, older ones a list of segments. */
function namespaceOf(ns: unknown): string[] {
  if (Array.isArray(ns)) return ns.map(textOf);
  return typeof ns === "string" ? [ns] : [];
}

function severityOf(sev: unknown): Severity {
  return severities.find((severity) => severity === sev) ?? "Info";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
