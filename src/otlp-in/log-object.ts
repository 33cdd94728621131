import { type Severity, severities } from "../protocol/trace-batch.js";
import { encodeTraceObject } from "../protocol/trace-object.js";
import { attributeOf, type Json, jsonOf, objectOf, textIn, textOf } from "./any-value.js";
import { bigintOf, type Int64, type LogRecord } from "./schema.js";

/** What a record takes from those around it. */
export interface RecordPlace {
  /** Of the instrumentation scope: the name of the logger. */
  readonly scope: string;
  /** `host.name` of the resource. */
  readonly host: string;
}

const nanosPerSecond = 1_000_000_000n;

/** The least SeverityNumber of each severity, as the data model's appendix pairs them with syslog's. */
const leastNumbers: readonly (readonly [least: number, severity: Severity])[] = [
  [21, "Emergency"],
  [19, "Alert"],
  [18, "Critical"],
  [17, "Error"],
  [13, "Warning"],
  [10, "Notice"],
  [9, "Info"],
  [1, "Debug"],
];

/**
 * A log record as an encoded trace object. What Muninn itself has sent (it has `cardano.namespace`) becomes the object it was; of any
 * other the machine text has body, attributes and ids as data.
 * @throws GarbageError
 */
export function encodeLogRecord(record: LogRecord, { scope, host }: RecordPlace): Uint8Array {
  const { attributes, body } = record;
  const own = textOf(attributes, "cardano.namespace");
  const text = textIn(body);
  const nanos = timeOf(record);
  const seconds = nanos / nanosPerSecond;
  const namespace = own ?? (record.eventName || scope);
  const thread = threadOf(record);
  const severity = severityOf(record);
  const isOurs = own !== undefined && text !== undefined;
  const machine = isOurs
    ? text
    : JSON.stringify({
        at: timeText(nanos),
        ns: namespace,
        data: dataOf(record),
        sev: severity,
        thread,
        host,
      });
  return encodeTraceObject({
    human: isOurs || text === "" ? undefined : text,
    machine,
    namespace: namespace === "" ? [] : [namespace],
    severity,
    details: "DNormal",
    timestamp: { seconds: Number(seconds), picoseconds: Number(nanos - seconds * nanosPerSecond) * 1_000 },
    host,
    thread,
  });
}

function dataOf({ body, attributes, traceId, spanId }: LogRecord): Record<string, Json> {
  return {
    ...(body != null && { body: jsonOf(body) }),
    ...(attributes.length > 0 && { attributes: objectOf(attributes) }),
    ...(traceId.length > 0 && { traceId: hexOf(traceId) }),
    ...(spanId.length > 0 && { spanId: hexOf(spanId) }),
  };
}

function hexOf(id: Uint8Array | string): string {
  return typeof id === "string" ? id : Buffer.from(id).toString("hex");
}

/** `thread.id` of the attributes, a number or digits; empty where there is none. */
function threadOf({ attributes }: LogRecord): string {
  const value = attributeOf(attributes, "thread.id");
  if (value?.value === "intValue") return String(bigintOf(value.intValue));
  return textIn(value) ?? "";
}

function severityOf({ severityNumber, severityText }: LogRecord): Severity {
  const byNumber = leastNumbers.find(([least]) => severityNumber >= least)?.[1];
  if (byNumber !== undefined) return byNumber;
  const wanted = severityText.toLowerCase();
  return severities.find((severity) => severity.toLowerCase() === wanted) ?? "Info";
}

/** Nanoseconds since 1970: when it happened, or was observed, or now. */
function timeOf({ timeUnixNano, observedTimeUnixNano }: LogRecord): bigint {
  const times: readonly Int64[] = [timeUnixNano, observedTimeUnixNano];
  for (const time of times) {
    const nanos = bigintOf(time);
    if (nanos > 0n) return nanos;
  }
  return BigInt(Date.now()) * 1_000_000n;
}

/** RFC 3339, with as many digits of the second as there are. */
function timeText(nanos: bigint): string {
  const seconds = nanos / nanosPerSecond;
  const fraction = String(nanos - seconds * nanosPerSecond)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, -".000Z".length);
  return fraction === "" ? `${whole}Z` : `${whole}.${fraction}Z`;
}
