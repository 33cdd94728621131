import { isUtf8 } from "node:buffer";
import { lineFields, lineNamespace, lineText, lineTime } from "../log-files/line-fields.js";
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
  const fields = lineFields(machine);
  const time = lineTime(fields.at);
  const object: TraceObject = {
    human: undefined,
    machine,
    namespace: [...lineNamespace(fields.ns)],
    severity: severityOf(fields.sev),
    details: "DNormal",
    timestamp: time ?? { seconds: Math.floor(fallbackAt / 1e6), picoseconds: (fallbackAt % 1e6) * 1e6 },
    host: lineText(fields.host),
    thread: lineText(fields.thread),
  };
  const at = time === undefined ? undefined : time.seconds * 1e6 + Math.floor(time.picoseconds / 1e6);
  return { at, encoded: encodeTraceObject(object) };
}

function severityOf(sev: unknown): Severity {
  return severities.find((severity) => severity === sev) ?? "Info";
}
