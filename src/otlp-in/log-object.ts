import { type Message, MessageEncoder } from "../protocol/message-encoder.js";
import { type Severity, severities } from "../protocol/trace-batch.js";
import { attributeOf, jsonObjectOf, jsonOf, quoted, textIn, textOf } from "./any-value.js";
import { bigintOf, has, type LogRecord } from "./schema.js";

const nanosPerMilli = 1_000_000n;

/** The severity of each SeverityNumber, by the data model's appendix on syslog; larger numbers count as the last. */
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

/** Most characters of a host, namespace or thread: each of a request's 100,000 objects may repeat its host and scope. */
export const maxNameLength = 1_024;

/** Longer texts take so much time that their work is spread over several turns. */
const longLength = 262_144;

/** Most characters of a body that is also the text for people; a longer one is only in the data. */
const longestHuman = 1_048_576;

/** Why a record is rejected. */
export type Rejection = "too-large" | "misnamed";

/** The least memory that the objects of one host take, however short they are. */
export const encoderBytes = 8_192;

/** Turns the records of one host into trace objects. */
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
   * The message of a log record; `scope` is the name of its logger. A record sent by Muninn (it has `cardano.namespace`) becomes the
   * original object; for any other, body, attributes and ids become the data of the machine text.
   * @throws MalformedError
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
    const human = isOurs || text === "" || (text?.length ?? 0) > longestHuman ? undefined : text;
    // Making the machine text of such a long one takes much of a turn.
    if (!isOurs && text !== undefined && text.length > longLength) {
      const times = human === undefined ? 1 : 2;
      if (times * Buffer.byteLength(text) > this.#maxObjectBytes) return "too-large";
    }
    const machine = isOurs
      ? text
      : `{"at":"${timeText(at, nanos)}","ns":${quoted(namespace)},"data":${dataOf(record)},` +
        `"sev":"${severity}","thread":${quoted(thread)},"host":${quoted(this.#host)}}`;
    return { human, machine, namespace, severity, details: "DNormal", at, nanos, thread };
  }

  /** Encodes a message as a trace object. */
  encode(message: Message): Uint8Array | "too-large" {
    // The object has at least this many bytes.
    if (lengthOf(message) > this.#maxObjectBytes) return "too-large";
    const object = this.#encoder.encode(message);
    return object.length > this.#maxObjectBytes ? "too-large" : object;
  }
}

function lengthOf({ machine, human }: Message): number {
  return machine.length + (human?.length ?? 0);
}

/** Whether the message should be encoded in a turn of its own. */
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

/** `thread.id` of the attributes, a number or digits; empty if there is none. */
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
  /** Nanoseconds in addition to `at`. */
  readonly nanos: number;
}

/** The time of the record, otherwise the observed time, otherwise now. */
function timeOf({ timeUnixNano, observedTimeUnixNano }: LogRecord): Time {
  let all = bigintOf(timeUnixNano);
  if (all <= 0n) all = bigintOf(observedTimeUnixNano);
  if (all <= 0n) return { at: Date.now(), nanos: 0 };
  const at = all / nanosPerMilli;
  return { at: Number(at), nanos: Number(all - at * nanosPerMilli) };
}

/** The second written last, and its text: most records share a second. */
let lastSecond = Number.NaN;
let lastText = "";

/** RFC 3339, without trailing zeros. */
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
