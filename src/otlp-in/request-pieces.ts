import protobuf from "protobufjs";
import { requestOfJson } from "./json-request.js";
import {
  decodeMessage,
  type Encoding,
  type LogRecord,
  type Metric,
  messageOfJson,
  type Resource,
  type Signal,
  TooManyParts,
} from "./schema.js";

/** Most records or metrics in one request, including resources and scopes, which may be empty. */
const maxPieces = 100_000;

/** A few log records or metrics with their resource and scope, little enough to be handled quickly. */
interface Run<Kind> {
  /** The same object for all pieces of one resource. */
  readonly resource: Resource | undefined;
  /** The name of the instrumentation scope. */
  readonly scope: string;
  readonly pieces: readonly Kind[];
}

/** Yields runs and, now and then, undefined: so a caller can check the clock often enough. */
export type Pieces<Kind> = Generator<Run<Kind> | undefined, void>;

const types = { logs: "LogRecord", metrics: "Metric" } as const;

/**
 * The log records or metrics of a request, decoded one after the other: a request may consist of 20 MiB of pieces of two bytes, so
 * they are never all decoded at once.
 * @throws TooManyParts, Error for bytes that are not such a request
 */
export function requestPieces(signal: "logs", encoding: Encoding, body: Uint8Array): Pieces<LogRecord>;
export function requestPieces(signal: "metrics", encoding: Encoding, body: Uint8Array): Pieces<Metric>;
export function requestPieces(signal: Signal, encoding: Encoding, body: Uint8Array): Pieces<unknown> {
  return encoding === "protobuf" ? ofProtobuf(types[signal], body) : ofJson(signal, body);
}

/** Bytes of a run, unless its last piece is longer. */
const runBytes = 4_096;

function counter(): () => void {
  let left = maxPieces;
  return () => {
    left -= 1;
    if (left < 0) throw new TooManyParts(`more than ${maxPieces} records, metrics, resources and scopes`);
  };
}

function* ofJson(signal: Signal, body: Uint8Array): Pieces<unknown> {
  const { resources, parsed } = yield* requestOfJson(signal, body, counter());
  for (const { resource: range, scopes } of resources) {
    yield;
    const json = range && parsed(range);
    const resource = json == null ? undefined : (messageOfJson("Resource", json) as unknown as Resource);
    for (const { scope: rangeOfScope, pieces } of scopes) {
      yield;
      const scope = scopeName(rangeOfScope && parsed(rangeOfScope));
      for (let index = 0; index < pieces.length; index += 2) {
        const piece = parsed({ start: pieces[index]!, end: pieces[index + 1]! });
        yield { resource, scope, pieces: [messageOfJson(types[signal], piece)] };
      }
    }
  }
}

function scopeName(json: unknown): string {
  if (json == null) return "";
  const { name = "" } = messageOfJson("Scope", json) as unknown as { name?: string };
  return name;
}

/** Field numbers, the same for logs and metrics: a resource or scope, and what belongs to it. */
const first = 1;
const second = 2;

function* ofProtobuf(type: "LogRecord" | "Metric", body: Uint8Array): Pieces<unknown> {
  const count = counter();
  for (const ofResource of messagesOf(body, first)) {
    yield;
    if (ofResource === undefined) continue;
    count();
    const resource = (yield* lastOf(ofResource, "Resource")) as Resource | undefined;
    for (const ofScope of messagesOf(ofResource, second)) {
      yield;
      if (ofScope === undefined) continue;
      count();
      const scope = ((yield* lastOf(ofScope, "Scope")) as { name: string } | undefined)?.name ?? "";
      const reader = protobuf.Reader.create(ofScope);
      while (reader.pos < reader.len) {
        const pieces: protobuf.Message[] = [];
        for (const end = Math.min(reader.pos + runBytes, reader.len); reader.pos < end; ) {
          const tag = reader.uint32();
          if (tag === tagOf(second)) {
            count();
            pieces.push(decodeMessage(type, reader.bytes()));
          } else skip(reader, tag);
        }
        yield { resource, scope, pieces };
      }
    }
  }
}

/** The tag of a field that holds a message. */
const tagOf = (field: number) => field * 8 + 2;

function skip(reader: protobuf.Reader, tag: number): void {
  if (tag >>> 3 === 0) throw new Error("no field has number 0");
  reader.skipType(tag & 7);
}

/** The message in field 1, which may come after the other fields; the last one counts. */
function* lastOf(
  bytes: Uint8Array,
  type: "Resource" | "Scope",
): Generator<undefined, protobuf.Message | undefined> {
  let last: Uint8Array | undefined;
  for (const message of messagesOf(bytes, first)) {
    if (message === undefined) yield;
    else last = message;
  }
  return last && decodeMessage(type, last);
}

/** Fields that are skipped before a pause. */
const mostPassedOver = 5_000;

/** Yields the messages in one field of a message and, now and then, undefined. @throws Error if it is cut off */
function* messagesOf(bytes: Uint8Array, wanted: number): Generator<Uint8Array | undefined, void> {
  const reader = protobuf.Reader.create(bytes);
  let passedOver = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === tagOf(wanted)) {
      yield reader.bytes();
      continue;
    }
    skip(reader, tag);
    passedOver += 1;
    if (passedOver % mostPassedOver === 0) yield;
  }
}
