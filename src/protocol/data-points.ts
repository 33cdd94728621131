import { CborReader } from "./cbor-reader.js";
import { CborWriter } from "./cbor-writer.js";

/** A data point's name and its value, a JSON document; undefined if the node has no such data point. */
export type DataPoint = readonly [name: string, value: Uint8Array | undefined];

export type DataPointsRequest =
  | { readonly kind: "request"; readonly names: readonly string[] }
  | { readonly kind: "done" };

/** Most points in one reply: a request asks for a few. */
const maxPoints = 1_024;

const message = { request: 1, done: 2, reply: 3 } as const;

/** `[1, [name, …]]` */
export function encodeDataPointsRequest(names: readonly string[]): Uint8Array {
  const writer = new CborWriter().array(2).int(message.request);
  return writer.list(names, (name) => writer.text(name)).finish();
}

/** `[2]` */
export function encodeDataPointsDone(): Uint8Array {
  return new CborWriter().array(1).int(message.done).finish();
}

/** Reads what an acceptor sends. @throws ProtocolError */
export function decodeDataPointsRequest(bytes: Uint8Array): DataPointsRequest {
  const reader = new CborReader(bytes, "a data-point request");
  if (reader.record(1, 2) === 1) {
    reader.key(message.done);
    reader.end();
    return { kind: "done" };
  }
  reader.key(message.request);
  const names = reader.list(() => reader.text());
  reader.end();
  return { kind: "request", names };
}

/** `[3, [[name, Maybe bytes], …]]`; real acceptors take values as indefinite byte strings only. */
export function encodeDataPointsReply(points: readonly DataPoint[]): Uint8Array {
  const writer = new CborWriter().array(2).int(message.reply);
  writer.list(points, ([name, value]) => {
    writer.array(2).text(name);
    if (value === undefined) writer.array(0);
    else writer.array(1).lazyBytes(value);
  });
  return writer.finish();
}

/** Reads what a forwarder answers, in its order. @throws ProtocolError */
export function decodeDataPointsReply(bytes: Uint8Array): DataPoint[] {
  const reader = new CborReader(bytes, "a data-point reply");
  reader.record(2);
  reader.key(message.reply);
  const points = reader.list((): DataPoint => {
    reader.record(2);
    return [reader.text(), reader.record(0, 1) === 0 ? undefined : reader.bytes()];
  }, maxPoints);
  reader.end();
  return points;
}
