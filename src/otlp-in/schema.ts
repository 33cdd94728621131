import protobuf, { type Long } from "protobufjs";
import { otlpTypes } from "../otlp/definitions.js";

/** A 64-bit integer; from JSON it is a text, and not checked. */
export type Int64 = Long | number | string;

/** At most one of the fields is an own property; the others are defaults of the prototype. */
export interface AnyValue {
  readonly stringValue: string;
  readonly boolValue: boolean;
  readonly intValue: Int64;
  readonly doubleValue: number;
  readonly arrayValue: { readonly values: readonly AnyValue[] };
  readonly kvlistValue: { readonly values: readonly KeyValue[] };
  readonly bytesValue: Uint8Array;
}

/** Whether a message has this field, rather than a default. */
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

export interface NumberPoint {
  readonly attributes: readonly KeyValue[];
  /** One of the two is an own property. */
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

/** The kinds of data that exporters send, each with its own path and gRPC method. */
export type Signal = "logs" | "metrics";
export type Encoding = "protobuf" | "json";

const roots = {
  protobuf: otlpTypes({}),
  /** Counts messages while it creates them. */
  counted: otlpTypes({}),
  // Kept as texts, because protobufjs would turn a text that is not a number into 0.
  json: otlpTypes({ Id: "string", fixed64: "string", sfixed64: "string", int64: "string" }),
};

/** Most messages within one that is decoded at a time; a record with a thousand attributes has two thousand. */
const maxParts = 50_000;
let partsLeft = 0;

/** A request, or a part of it, has too many parts. */
export class TooManyParts extends Error {
  override readonly name = "TooManyParts";
}

/** A message that counts itself. */
class Part extends protobuf.Message {
  constructor(properties?: protobuf.Properties<Part>) {
    super(properties);
    partsLeft -= 1;
    if (partsLeft < 0)
      throw new TooManyParts(`a record, metric or resource has more than ${maxParts} values`);
  }
}

for (const root of [roots.counted, roots.json]) {
  for (const type of root.nestedArray) if (type instanceof protobuf.Type) type.ctor = class extends Part {};
}

type Name = "LogRecord" | "Metric" | "Resource" | "Scope";
const lookedUp = (root: protobuf.Root): Readonly<Record<Name, protobuf.Type>> => ({
  LogRecord: root.lookupType("LogRecord"),
  Metric: root.lookupType("Metric"),
  Resource: root.lookupType("Resource"),
  Scope: root.lookupType("Scope"),
});
const types = {
  protobuf: lookedUp(roots.protobuf),
  counted: lookedUp(roots.counted),
  json: lookedUp(roots.json),
};
const responseNames = { logs: "LogsResponse", metrics: "MetricsResponse" } as const;

/** @throws TooManyParts, Error for bytes that are not such a message */
export function decodeMessage(name: Name, body: Uint8Array): protobuf.Message {
  // Each part takes two bytes at least, so most messages need no counting.
  if (body.length < 2 * maxParts) return types.protobuf[name].decode(body);
  partsLeft = maxParts;
  return types.counted[name].decode(body);
}

/** A message from parsed JSON. @throws TooManyParts, Error if it is not such a message */
export function messageOfJson(name: Name, json: unknown): protobuf.Message {
  if (typeof json !== "object" || json === null) throw new TypeError(`${name}: object expected`);
  partsLeft = maxParts;
  return types.json[name].fromObject(json);
}

/** An accepting answer: how many records or data points were rejected, and why; empty if none were. */
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

/** `google.rpc.Status`, the body of a refusing answer. */
export function encodeStatus(encoding: Encoding, code: number, message: string): Uint8Array {
  if (encoding === "json") return Buffer.from(JSON.stringify({ code, message }));
  return roots.protobuf.lookupType("Status").encode({ code, message }).finish();
}

/** @throws TypeError for a text that is not a 64-bit integer */
export function bigintOf(value: Int64): bigint {
  if (typeof value === "number") return BigInt(Math.trunc(value));
  if (typeof value === "string") {
    // The field is absent.
    if (value === "") return 0n;
    const whole = /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
    if (whole === undefined || BigInt.asIntN(64, whole) !== whole)
      throw new TypeError("a 64-bit integer expected");
    return whole;
  }
  const bits = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
}
