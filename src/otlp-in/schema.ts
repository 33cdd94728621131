import protobuf, { type Long } from "protobufjs";

/**
 * The part of OpenTelemetry's logs and metrics that is read here: field numbers of opentelemetry-proto 1.9. In JSON the ids of traces
 * and spans are hexadecimal texts, and all else is as protobuf's JSON has it.
 */
const schema = (id: "bytes" | "string") => `
syntax = "proto3";
message LogsRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
message Scope { string name = 1; string version = 2; }
message LogRecord {
  fixed64 time_unix_nano = 1;
  int32 severity_number = 2;
  string severity_text = 3;
  AnyValue body = 5;
  repeated KeyValue attributes = 6;
  ${id} trace_id = 9;
  ${id} span_id = 10;
  fixed64 observed_time_unix_nano = 11;
  string event_name = 12;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    string string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    ArrayValue array_value = 5;
    KeyValueList kvlist_value = 6;
    bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message MetricsRequest { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric {
  string name = 1;
  oneof data {
    Gauge gauge = 5;
    Sum sum = 7;
    Others histogram = 9;
    Others exponential_histogram = 10;
    Others summary = 11;
  }
}
message Gauge { repeated NumberPoint data_points = 1; }
message Sum { repeated NumberPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Others { repeated OtherPoint data_points = 1; }
message OtherPoint { }
message NumberPoint {
  repeated KeyValue attributes = 7;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
  uint32 flags = 8;
}
message LogsResponse { LogsPartialSuccess partial_success = 1; }
message LogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
message MetricsResponse { MetricsPartialSuccess partial_success = 1; }
message MetricsPartialSuccess { int64 rejected_data_points = 1; string error_message = 2; }
message Status { int32 code = 1; string message = 2; }
`;

/** 64 bits; of JSON it may be a number. */
export type Int64 = Long | number;

/** Which of the fields is there is what `value` says: the others have defaults. */
export interface AnyValue {
  readonly value?: Exclude<keyof AnyValue, "value">;
  readonly stringValue: string;
  readonly boolValue: boolean;
  readonly intValue: Int64;
  readonly doubleValue: number;
  readonly arrayValue: { readonly values: readonly AnyValue[] };
  readonly kvlistValue: { readonly values: readonly KeyValue[] };
  readonly bytesValue: Uint8Array;
}

export interface KeyValue {
  readonly key: string;
  readonly value?: AnyValue | null;
}

export interface Resource {
  readonly attributes: readonly KeyValue[];
}

export interface LogRecord {
  readonly timeUnixNano: Int64;
  readonly observedTimeUnixNano: Int64;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body?: AnyValue | null;
  readonly attributes: readonly KeyValue[];
  readonly traceId: Uint8Array | string;
  readonly spanId: Uint8Array | string;
  readonly eventName: string;
}

export interface LogsRequest {
  readonly resourceLogs: readonly {
    readonly resource?: Resource | null;
    readonly scopeLogs: readonly {
      readonly scope?: { readonly name: string; readonly version: string } | null;
      readonly logRecords: readonly LogRecord[];
    }[];
  }[];
}

export interface NumberPoint {
  readonly attributes: readonly KeyValue[];
  /** Which of the two is there. */
  readonly value?: "asDouble" | "asInt";
  readonly asDouble: number;
  readonly asInt: Int64;
  /** Bit 0: there is no value. */
  readonly flags: number;
}

interface OtherPoints {
  readonly dataPoints: readonly unknown[];
}

export interface Metric {
  readonly name: string;
  readonly gauge?: { readonly dataPoints: readonly NumberPoint[] } | null;
  readonly sum?: {
    readonly dataPoints: readonly NumberPoint[];
    readonly aggregationTemporality: number;
    readonly isMonotonic: boolean;
  } | null;
  readonly histogram?: OtherPoints | null;
  readonly exponentialHistogram?: OtherPoints | null;
  readonly summary?: OtherPoints | null;
}

export interface MetricsRequest {
  readonly resourceMetrics: readonly {
    readonly resource?: Resource | null;
    readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[];
  }[];
}

/** What an exporter sends, each to a path and a method of its own. */
export type Signal = "logs" | "metrics";
export type Encoding = "protobuf" | "json";

const roots = {
  protobuf: protobuf.parse(schema("bytes")).root,
  json: protobuf.parse(schema("string")).root,
};
const requestNames = { logs: "LogsRequest", metrics: "MetricsRequest" } as const;
const responseNames = { logs: "LogsResponse", metrics: "MetricsResponse" } as const;

/** @throws Error for what is no such request */
export function decodeRequest(signal: Signal, encoding: Encoding, body: Uint8Array): protobuf.Message {
  const type = roots[encoding].lookupType(requestNames[signal]);
  if (encoding === "protobuf") return type.decode(body);
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
  const json: unknown = JSON.parse(text, soundNumber);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new TypeError("object expected");
  return type.fromObject(json);
}

const of64Bits: ReadonlySet<string> = new Set(["timeUnixNano", "observedTimeUnixNano", "intValue", "asInt"]);

/** Numbers of 64 bits may be texts; of others protobufjs would make 0. */
function soundNumber(key: string, value: unknown): unknown {
  if (typeof value === "string" && of64Bits.has(key) && !/^-?\d{1,20}$/.test(value))
    throw new TypeError(`${key} is not a number`);
  return value;
}

/** `rejected` records or data points, and why; nothing where all were taken. */
export function encodeResponse(
  signal: Signal,
  encoding: Encoding,
  { rejected, message }: { readonly rejected: number; readonly message: string },
): Uint8Array {
  const field = signal === "logs" ? "rejectedLogRecords" : "rejectedDataPoints";
  const response =
    rejected === 0 && message === ""
      ? {}
      : {
          partialSuccess: {
            [field]: encoding === "json" ? String(rejected) : rejected,
            errorMessage: message,
          },
        };
  if (encoding === "json") return Buffer.from(JSON.stringify(response));
  return roots.protobuf.lookupType(responseNames[signal]).encode(response).finish();
}

/** `google.rpc.Status`, the body of an answer that refuses. */
export function encodeStatus(encoding: Encoding, code: number, message: string): Uint8Array {
  if (encoding === "json") return Buffer.from(JSON.stringify({ code, message }));
  return roots.protobuf.lookupType("Status").encode({ code, message }).finish();
}

export function bigintOf(value: Int64): bigint {
  if (typeof value === "number") return BigInt(Math.trunc(value));
  const bits = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
}
