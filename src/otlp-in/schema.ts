import protobuf, { type Long } from "protobufjs";
import { otlpTypes } from "../otlp/definitions.js";

/** 64 bits; of JSON it is a text, and may be any. */
export type Int64 = Long | number | string;

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

/** What an exporter sends, each to a path and a method of its own. */
export type Signal = "logs" | "metrics";
export type Encoding = "protobuf" | "json";

const roots = {
  protobuf: otlpTypes({}),
  /** Its messages are counted while they are made. */
  counted: otlpTypes({}),
  // protobufjs would make 0 of a text that is not a number.
  json: otlpTypes({ Id: "string", fixed64: "string", sfixed64: "string", int64: "string" }),
};

/** Messages within one that is decoded at a time; a record of a thousand attributes has two thousand. */
const maxParts = 50_000;
let partsLeft = 0;

/** A request, or a part of it, has too many parts. */
export class TooManyParts extends Error {
  override readonly name = "TooManyParts";
}

/** Counts itself. */
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
  // Each takes two bytes at least, so most need not be counted.
  if (body.length < 2 * maxParts) return types.protobuf[name].decode(body);
  partsLeft = maxParts;
  return types.counted[name].decode(body);
}

/** Of parsed JSON. @throws TooManyParts, Error for what is not such a message */
export function messageOfJson(name: Name, json: unknown): protobuf.Message {
  if (typeof json !== "object" || json === null) throw new TypeError(`${name}: object expected`);
  partsLeft = maxParts;
  return types.json[name].fromObject(json);
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

/** @throws TypeError for a text that is not a number of 64 bits */
export function bigintOf(value: Int64): bigint {
  if (typeof value === "number") return BigInt(Math.trunc(value));
  if (typeof value === "string") {
    // Absent.
    if (value === "") return 0n;
    const whole = /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
    if (whole === undefined || BigInt.asIntN(64, whole) !== whole)
      throw new TypeError("a whole number of 64 bits expected");
    return whole;
  }
  const bits = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
}
