import { deepestValue, otlpTypes } from "../../otlp/definitions.js";
import type { Severity, TraceBatch } from "../../protocol/trace-batch.js";
import { BytesWriter, varintBytes } from "./bytes-writer.js";
import { KnownParts } from "./known-parts.js";

// Protobuf merges concatenated messages: parts that many records share are encoded once, and the bytes that nodes sent are copied
// without becoming strings.
const root = otlpTypes({ string: "bytes", ScopeLogs: "bytes" });
const types = {
  resourceLogs: root.lookupType("ResourceLogs"),
  scopeLogs: root.lookupType("ScopeLogs"),
  logRecord: root.lookupType("LogRecord"),
  response: root.lookupType("LogsResponse"),
};
/** Heads of fields: number times 8, plus 2 for bytes and messages or 1 for 64 bits. */
const field = {
  resourceLogs: 0x0a,
  scopeLogs: 0x12,
  logRecords: 0x12,
  time: 0x09,
  body: 0x2a,
  stringValue: 0x0a,
} as const;

/** SeverityNumber by the data model's appendix on syslog. */
const severityNumbers: Readonly<Record<Severity, number>> = {
  Debug: 5,
  Info: 9,
  Notice: 10,
  Warning: 13,
  Error: 17,
  Critical: 18,
  Alert: 19,
  Emergency: 21,
};

type AnyValue = Readonly<Record<string, unknown>>;

const utf8 = (text: string) => Buffer.from(text, "utf8");
const textValue = (text: string): AnyValue => ({ stringValue: utf8(text) });
const recordWith = (fields: object) => types.logRecord.encode(fields).finish();

/** By severity: the part of a record with severity and namespace. */
const kindParts = Object.fromEntries(
  Object.entries(severityNumbers).map(([severity, severityNumber]) => [
    severity,
    new KnownParts((namespace) =>
      recordWith({
        severityNumber,
        severityText: utf8(severity),
        attributes: [attribute("cardano.namespace", textValue(namespace))],
      }),
    ),
  ]),
) as Record<Severity, KnownParts>;

function attribute(key: string, value: AnyValue): object {
  return { key: utf8(key), value };
}

/** Usual bytes of a request before its records. */
const usualHeadBytes = 256;
/** Bytes that a record usually has more than its trace object. */
const usualMoreBytes = 64;

/** Encoded records of a batch; several of these can be concatenated. */
export interface EncodedRecords {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** The memory that contains the bytes. */
  readonly memory: Buffer;
}

/** A source of memory. */
export interface Memory {
  take(bytes: number): Buffer;
}

/** Always allocates new memory. */
export const newMemory: Memory = { take: (bytes) => Buffer.allocUnsafe(bytes) };

export type BodyForm = "text" | "parsed";

/** Encodes all objects of a batch, in parts up to the limits. */
export function* encodeBatch(
  batch: TraceBatch,
  limits: { readonly objects: number; readonly bytes: number },
  body: BodyForm,
  memory: Memory,
): Generator<EncodedRecords> {
  for (let from = 0; from < batch.length; ) {
    const records = encodeRecords(batch, from, limits, body, memory);
    from += records.count;
    yield records;
  }
}

/** Encodes the objects of a batch from `from` on, up to the limits, but at least one. */
function encodeRecords(
  batch: TraceBatch,
  from: number,
  limits: { readonly objects: number; readonly bytes: number },
  body: BodyForm,
  memory: Memory,
): EncodedRecords {
  const observedTimeUnixNano = fixed64(BigInt(Date.now()) * 1_000_000n);
  const ends = new KnownParts((thread) =>
    recordWith({ observedTimeUnixNano, attributes: [attribute("thread.id", threadValue(thread))] }),
  );
  const most = Math.min(batch.length - from, limits.objects);
  const usualBytes = Math.ceil(batch.receivedBytes / batch.length) + usualMoreBytes;
  const writer = new BytesWriter(memory.take(most * usualBytes));
  let [count, bytes] = [0, 0];
  for (let index = from; index < batch.length && count < limits.objects; index += 1) {
    const machine = batch.machine(index);
    bytes += machine.length + 200;
    if (count > 0 && bytes > limits.bytes) break;
    count += 1;
    const parsed = body === "text" ? undefined : parsedBody(machine);
    const kind = kindParts[batch.severity(index)].of(batch.namespace(index));
    const end = ends.of(batch.thread(index));
    const textBytes = 1 + varintBytes(machine.length) + machine.length;
    const bodyBytes = parsed?.length ?? 1 + varintBytes(textBytes) + textBytes;
    writer.head(field.logRecords, 1 + 8 + kind.length + bodyBytes + end.length);
    writer.time(field.time, batch.moment(index)).bytes(kind);
    if (parsed !== undefined) writer.bytes(parsed);
    else writer.head(field.body, textBytes).head(field.stringValue, machine.length).bytes(machine);
    writer.bytes(end);
  }
  return { bytes: writer.finish(), count, memory: writer.memory };
}

/** A whole request, in pieces: the records of one resource. */
export function encodeRequest(
  attributes: Readonly<Record<string, string>>,
  version: string,
  records: readonly EncodedRecords[],
): readonly Uint8Array[] {
  const pairs = Object.entries(attributes).map(([key, value]) => ({
    key: utf8(key),
    value: textValue(value),
  }));
  const resource = types.resourceLogs.encode({ resource: { attributes: pairs } }).finish();
  const scope = types.scopeLogs.encode({ scope: { name: utf8("muninn"), version: utf8(version) } }).finish();
  const logsBytes = records.reduce((sum, { bytes }) => sum + bytes.length, scope.length);
  const ofResource = resource.length + 1 + varintBytes(logsBytes) + logsBytes;
  const head = new BytesWriter(Buffer.allocUnsafe(usualHeadBytes));
  head.head(field.resourceLogs, ofResource).bytes(resource).head(field.scopeLogs, logsBytes).bytes(scope);
  return [head.finish(), ...records.map(({ bytes }) => bytes)];
}

export function bytesOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** The partial success in the answer to an accepted request. @throws if the bytes are not such an answer */
export function decodeResponse(bytes: Uint8Array): { readonly rejected: number; readonly message: string } {
  const { partialSuccess: partial } = types.response.decode(bytes) as unknown as {
    readonly partialSuccess?: {
      readonly rejectedLogRecords?: unknown;
      readonly errorMessage?: Uint8Array;
    } | null;
  };
  return {
    rejected: Number(partial?.rejectedLogRecords ?? 0),
    message: Buffer.from(partial?.errorMessage ?? []).toString("utf8"),
  };
}

function threadValue(thread: string): AnyValue {
  return /^\d{1,15}$/.test(thread) ? { intValue: Number(thread) } : textValue(thread);
}

/** Undefined if the text is not JSON. */
function parsedBody(machine: Uint8Array): Uint8Array | undefined {
  try {
    return recordWith({ body: anyValueOf(JSON.parse(Buffer.from(machine).toString("utf8")), 0) });
  } catch {
    return undefined;
  }
}

function anyValueOf(json: unknown, depth: number): AnyValue {
  if (json === null) return {};
  if (typeof json === "string") return textValue(json);
  if (typeof json === "boolean") return { boolValue: json };
  if (typeof json === "number") {
    return Number.isSafeInteger(json) ? { intValue: json } : { doubleValue: json };
  }
  if (depth === deepestValue) return textValue(JSON.stringify(json));
  if (Array.isArray(json)) {
    return { arrayValue: { values: json.map((item) => anyValueOf(item, depth + 1)) } };
  }
  return { kvlistValue: { values: keyValues(json as object, depth + 1) } };
}

function keyValues(json: object, depth: number): object[] {
  return Object.entries(json).map(([key, value]) => ({ key: utf8(key), value: anyValueOf(value, depth) }));
}

/** The form that protobufjs takes. */
function fixed64(value: bigint): { low: number; high: number; unsigned: boolean } {
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: true,
  };
}
