import protobuf from "protobufjs";
import type { Severity, TraceBatch } from "../../protocol/trace-batch.js";

/**
 * The part of OpenTelemetry's logs that is written here: field numbers of opentelemetry-proto 1.9. Texts are declared `bytes`, which
 * is the same on the wire: what nodes sent is copied and never made a string of. What is encoded already stands as bytes in the place
 * of its message, and messages of repeated fields that stand one behind the other are one message.
 */
const schema = `
syntax = "proto3";
message Request { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated bytes scope_logs = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
message Scope { bytes name = 1; bytes version = 2; }
message LogRecord {
  fixed64 time_unix_nano = 1;
  int32 severity_number = 2;
  bytes severity_text = 3;
  AnyValue body = 5;
  repeated KeyValue attributes = 6;
  fixed64 observed_time_unix_nano = 11;
}
message KeyValue { bytes key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    bytes string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    ArrayValue array_value = 5;
    KeyValueList kvlist_value = 6;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message Response { PartialSuccess partial_success = 1; }
message PartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
`;

const { root } = protobuf.parse(schema, { keepCase: true });
const request = root.lookupType("Request");
const scopeLogs = root.lookupType("ScopeLogs");
const response = root.lookupType("Response");

/** SeverityNumber of the data model's appendix on syslog. */
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
const textValue = (text: string): AnyValue => ({ string_value: utf8(text) });
const keys = { namespace: utf8("cardano.namespace"), thread: utf8("thread.id") };

/** Records of a batch, encoded; several of these one behind the other are the records of all. */
export interface EncodedRecords {
  readonly bytes: Uint8Array;
  readonly count: number;
}

export type BodyForm = "text" | "parsed";

/** Encodes the objects of a batch from `from` on, at most so many and of so many bytes, at least one. */
export function encodeRecords(
  batch: TraceBatch,
  from: number,
  limits: { readonly objects: number; readonly bytes: number },
  body: BodyForm,
): EncodedRecords {
  const observed = fixed64(BigInt(Date.now()) * 1_000_000n);
  const records: object[] = [];
  let bytes = 0;
  for (let index = from; index < batch.length && records.length < limits.objects; index += 1) {
    const machine = batch.machine(index);
    bytes += machine.length + 200;
    if (records.length > 0 && bytes > limits.bytes) break;
    const severity = batch.severity(index);
    records.push({
      time_unix_nano: fixed64(batch.timestamp(index)),
      observed_time_unix_nano: observed,
      severity_number: severityNumbers[severity],
      severity_text: utf8(severity),
      body: body === "text" ? { string_value: machine } : parsedBody(machine),
      attributes: [
        { key: keys.namespace, value: textValue(batch.namespace(index)) },
        { key: keys.thread, value: threadValue(batch.thread(index)) },
      ],
    });
  }
  return { bytes: scopeLogs.encode({ log_records: records }).finish(), count: records.length };
}

/** A whole request: records of one resource, one behind the other. */
export function encodeRequest(
  resource: Readonly<Record<string, string>>,
  version: string,
  records: readonly EncodedRecords[],
): Uint8Array {
  const scope = scopeLogs
    .encode({ scope: { name: utf8("muninn"), version: utf8(version) }, log_records: [] })
    .finish();
  const attributes = Object.entries(resource).map(([key, value]) => ({
    key: utf8(key),
    value: textValue(value),
  }));
  const scope_logs = [Buffer.concat([scope, ...records.map(({ bytes }) => bytes)])];
  return request.encode({ resource_logs: [{ resource: { attributes }, scope_logs }] }).finish();
}

/** What the other side did not take of a request that it took. @throws where the bytes are no such answer */
export function decodeResponse(bytes: Uint8Array): { readonly rejected: number; readonly message: string } {
  const { partial_success: partial } = response.decode(bytes) as unknown as {
    readonly partial_success?: {
      readonly rejected_log_records?: unknown;
      readonly error_message?: string;
    } | null;
  };
  return { rejected: Number(partial?.rejected_log_records ?? 0), message: partial?.error_message ?? "" };
}

function threadValue(thread: string): AnyValue {
  return /^\d{1,15}$/.test(thread) ? { int_value: Number(thread) } : textValue(thread);
}

function parsedBody(machine: Uint8Array): AnyValue {
  try {
    return anyValueOf(JSON.parse(Buffer.from(machine).toString("utf8")), 0);
  } catch {
    return { string_value: machine };
  }
}

/** Deeper than collectors take. */
const deepest = 32;

function anyValueOf(json: unknown, depth: number): AnyValue {
  if (json === null) return {};
  if (typeof json === "string") return textValue(json);
  if (typeof json === "boolean") return { bool_value: json };
  if (typeof json === "number") {
    return Number.isSafeInteger(json) ? { int_value: json } : { double_value: json };
  }
  if (depth === deepest) return textValue(JSON.stringify(json));
  if (Array.isArray(json)) {
    return { array_value: { values: json.map((item) => anyValueOf(item, depth + 1)) } };
  }
  return { kvlist_value: { values: keyValues(json as object, depth + 1) } };
}

function keyValues(json: object, depth: number): object[] {
  return Object.entries(json).map(([key, value]) => ({ key: utf8(key), value: anyValueOf(value, depth) }));
}

/** As protobufjs takes a fixed64; times before 1970, which the field does not hold, are 0: unknown. */
function fixed64(nanoseconds: bigint): { low: number; high: number; unsigned: boolean } {
  const value = nanoseconds < 0n ? 0n : nanoseconds;
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: true,
  };
}
