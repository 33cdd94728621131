import type { Long, Message } from "protobufjs";
import { otlpTypes } from "../otlp/definitions.js";

/** 64 bits; of JSON it may be a number. */
export type Int64 = Long | number;

/** One of the fields is its own at most: the others have defaults. */
export interface AnyValue {
  readonly stringValue: string;
  readonly boolValue: boolean;
  readonly intValue: Int64;
  readonly doubleValue: number;
  readonly arrayValue: { readonly values: readonly AnyValue[] };
  readonly kvlistValue: { readonly values: readonly KeyValue[] };
  readonly bytesValue: Uint8Array;
}

/** Whether a message has this field: its default may be meant. */
export function has<Of extends object>(message: Of, field: keyof Of): boolean {
  return Object.hasOwn(message, field);
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

/** Of a request in JSON it is read already. */
export type EncodedRecord = Uint8Array | LogRecord;

export interface LogsRequest {
  readonly resourceLogs: readonly {
    readonly resource?: Resource | null;
    readonly scopeLogs: readonly {
      readonly scope?: { readonly name: string; readonly version: string } | null;
      readonly logRecords: readonly EncodedRecord[];
    }[];
  }[];
}

export interface NumberPoint {
  readonly attributes: readonly KeyValue[];
  /** One of the two is its own. */
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
  // Records are read one by one: all at once their thousands of parts would outlive the young generation.
  protobuf: otlpTypes({ LogRecord: "bytes" }),
  json: otlpTypes({ Id: "string" }),
};
const requestNames = { logs: "LogsRequest", metrics: "MetricsRequest" } as const;
const responseNames = { logs: "LogsResponse", metrics: "MetricsResponse" } as const;
const logRecord = roots.protobuf.lookupType("LogRecord");

/** @throws Error for what is no such request */
export function decodeRequest(signal: Signal, encoding: Encoding, body: Uint8Array): Message {
  const type = roots[encoding].lookupType(requestNames[signal]);
  if (encoding === "protobuf") return type.decode(body);
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
  const json: unknown = JSON.parse(text, soundNumber);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new TypeError("object expected");
  return type.fromObject(json);
}

/** A record of a request. @throws Error for what is none */
export function decodeRecord(encoded: EncodedRecord): LogRecord {
  return encoded instanceof Uint8Array ? (logRecord.decode(encoded) as unknown as LogRecord) : encoded;
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
