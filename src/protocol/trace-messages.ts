import { CborReader } from "./cbor-reader.js";
import { CborWriter } from "./cbor-writer.js";
import { ProtocolError } from "./faults.js";

/** Keys of the messages of mini-protocol 2. */
export const traceMessage = { request: 1, done: 2, reply: 3 } as const;

/** Most objects that one request can ask for. */
const maxCount = 0xffff;

export type TraceRequest =
  | { readonly kind: "request"; readonly blocking: boolean; readonly count: number }
  | { readonly kind: "done" };

/** `[1, blocking, [0, n]]`: asks for up to `count` objects, 1–65,535. */
export function encodeTraceRequest(count: number, blocking = true): Uint8Array {
  return new CborWriter()
    .array(3)
    .int(traceMessage.request)
    .bool(blocking)
    .array(2)
    .int(0)
    .int(count)
    .finish();
}

/** `[2]`: a forwarder that receives it does not reconnect. */
export function encodeTraceDone(): Uint8Array {
  return new CborWriter().array(1).int(traceMessage.done).finish();
}

/** Reads what an acceptor sends. @throws ProtocolError, also for a blocking request for no objects */
export function decodeTraceRequest(message: Uint8Array): TraceRequest {
  const reader = new CborReader(message, "a trace-object request");
  if (reader.record(1, 3) === 1) {
    reader.key(traceMessage.done);
    reader.end();
    return { kind: "done" };
  }
  reader.key(traceMessage.request);
  const blocking = reader.bool();
  reader.record(2);
  reader.key(0);
  const count = reader.uint(maxCount);
  reader.end();
  if (blocking && count === 0) {
    throw new ProtocolError({
      code: "unexpected-message",
      what: "blocking request for 0 objects",
      state: "idle",
    });
  }
  return { kind: "request", blocking, count };
}

/** Bytes around the objects, at most. */
const headBytes = 16;

/** `[3, [object, …]]`, from objects that are encoded already. */
export function encodeTraceReply(encodedObjects: readonly Uint8Array[]): Uint8Array {
  const bytes = encodedObjects.reduce((sum, { length }) => sum + length, 0);
  const writer = new CborWriter(headBytes + bytes).array(2).int(traceMessage.reply);
  return writer.list(encodedObjects, (object) => writer.encoded(object)).finish();
}
