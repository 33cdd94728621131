import { type Message, MessageEncoder } from "../protocol/message-encoder.js";
import { type Severity, severities } from "../protocol/trace-batch.js";
import { attributeOf, jsonObjectOf, jsonOf, quoted, textIn, textOf } from "./any-value.js";
import { bigintOf, has, type LogRecord } from "./schema.js";

const nanosPerMilli = 1_000_000n;

/** The severity of each SeverityNumber, as the data model's appendix pairs them with syslog's; larger ones are the last. */
const bySeverityNumber: readonly (Severity | undefined)[] = [
  undefined,
  ...Array<Severity>(8).fill("Debug"),
  "Info",
  ...Array<Severity>(3).fill("Notice"),
  ...Array<Severity>(4).fill("Warning"),
  "Error",
  "Critical",
  ...Array<Severity>(2).fill("Alert"),
  "Emergency",
];

/** Characters of a host, namespace or thread: the host and scope of one request would be in each of 100,000 objects. */
export const maxNameLength = 1_024;

/** A text of more characters takes so long that not all is done with it in one turn. */
const longLength = 262_144;

/** Why nothing becomes of a record. */
export type Rejection = "too-large" | "misnamed";

/** Memory that objects of one host keep at least, however short they are. */
export const encoderBytes = 8_192;

/** Makes trace objects of the records of one host. */
export class LogObjects {
  readonly #host: string;
  readonly #maxObjectBytes: number;
  readonly #encoder: MessageEncoder;

  /** `host` is `host.name` of the resource. */
  constructor(host: string, maxObjectBytes: number) {
    this.#host = host;
    this.#maxObjectBytes = maxObjectBytes;
    this.#encoder = new MessageEncoder(host);
  }

  /**
   * What a log record says; `scope` is the name of its logger. What Muninn itself has sent (it has `cardano.namespace`) becomes the
   * object it was; of any other the machine text has body, attributes and ids as data.
   * @throws GarbageError
   */
  message(record: LogRecord, scope: string): Message | Rejection {
    const { attributes, body } = record;
    const own = textOf(attributes, "cardano.namespace");
    const text = textIn(body);
    const { at, nanos } = timeOf(record);
    const namespace = own ?? (record.eventName || scope);
    const thread = threadOf(record);
    if (Math.max(namespace.length, thread.length, this.#host.length) > maxNameLength) return "misnamed";
    const severity = severityOf(record);
    const isOurs = own !== undefined && text !== undefined;
    // Its object has the text twice; to make a machine text of one that is as long takes much of a turn.
    if (!isOurs && text !== undefined && text.length > longLength)
      if (2 * Buffer.byteLength(text) > this.#maxObjectBytes) return "too-large";
    const machine = isOurs
      ? text
      : `{"at":"${timeText(at, nanos)}","ns":${quoted(namespace)},"data":${dataOf(record)},` +
        `"sev":"${severity}","thread":${quoted(thread)},"host":${quoted(this.#host)}}`;
    const human = isOurs || text === "" ? undefined : text;
    return { human, machine, namespace, severity, details: "DNormal", at, nanos, thread };
  }

  /** As an encoded trace object. */
  encode(message: Message): Uint8Array | "too-large" {
    // It has as many bytes at least.
    if (lengthOf(message) > this.#maxObjectBytes) return "too-large";
    const object = this.#encoder.encode(message);
    return object.length > this.#maxObjectBytes ? "too-large" : object;
  }
}

function lengthOf({ machine, human }: Message): number {
  return machine.length + (human?.length ?? 0);
}

/** Whether to encode it is better left to another turn. */
export function isLong(message: Message): boolean {
  return lengthOf(message) > longLength;
}

function dataOf({ body, attributes, traceId, spanId }: LogRecord): string {
  let data = "";
  if (body != null) data += `,"body":${jsonOf(body)}`;
  if (attributes.length > 0) data += `,"attributes":${jsonObjectOf(attributes)}`;
  if (traceId.length > 0) data += `,"traceId":${quoted(hexOf(traceId))}`;
  if (spanId.length > 0) data += `,"spanId":${quoted(hexOf(spanId))}`;
  return `{${data.slice(1)}}`;
}

function hexOf(id: Uint8Array | string): string {
  return typeof id === "string" ? id : Buffer.from(id).toString("hex");
}

/** `thread.id` of the attributes, a number or digits; empty where there is none. */
function threadOf({ attributes }: LogRecord): string {
  const value = attributeOf(attributes, "thread.id");
  if (value !== undefined && has(value, "intValue")) return String(bigintOf(value.intValue));
  return textIn(value) ?? "";
}

function severityOf({ severityNumber, severityText }: LogRecord): Severity {
  const byNumber = bySeverityNumber[Math.min(severityNumber, bySeverityNumber.length - 1)];
  if (byNumber !== undefined) return byNumber;
  const wanted = severityText.toLowerCase();
  return severities.find((severity) => severity.toLowerCase() === wanted) ?? "Info";
}

interface Time {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Beyond those. */
  readonly nanos: number;
}

/** When it happened, or was observed, or now. */
function timeOf({ timeUnixNano, observedTimeUnixNano }: LogRecord): Time {
  let all = bigintOf(timeUnixNano);
  if (all <= 0n) all = bigintOf(observedTimeUnixNano);
  if (all <= 0n) return { at: Date.now(), nanos: 0 };
  const at = all / nanosPerMilli;
  return { at: Number(at), nanos: Number(all - at * nanosPerMilli) };
}

/** The second that was written last, and how: most records are of the same one. */
let lastSecond = Number.NaN;
let lastText = "";

/** RFC 3339, with as many digits of the second as there are. */
function timeText(at: number, nanos: number): string {
  const second = Math.floor(at / 1_000);
  if (second !== lastSecond) {
    lastText = new Date(second * 1_000).toISOString().slice(0, -".000Z".length);
    lastSecond = second;
  }
  const fraction = (at - second * 1_000) * 1_000_000 + nanos;
  if (fraction === 0) return `${lastText}Z`;
  const digits = String(fraction).padStart(9, "0");
  return `${lastText}.${digits.endsWith("0") ? digits.replace(/0+$/, "") : digits}Z`;
}
