import type { TraceBatch } from "../src/protocol/trace-batch.js";
import { encodeTraceReply } from "../src/protocol/trace-messages.js";
import { encodeTraceObject, type TraceObject } from "../src/protocol/trace-object.js";
import { TraceReplyDecoder } from "../src/protocol/trace-reply-decoder.js";

export function traceObject(fields: Partial<TraceObject> = {}): TraceObject {
  return {
    human: undefined,
    machine: '{"ns":"Test"}',
    namespace: ["Test"],
    severity: "Info",
    details: "DNormal",
    timestamp: { seconds: 1_712_583_986, picoseconds: 516_900_000_000 },
    host: "host",
    thread: "31",
    ...fields,
  };
}

/** A batch as received from a peer. */
export function batchOf(objects: readonly Partial<TraceObject>[]): TraceBatch {
  const decoder = new TraceReplyDecoder({ maxObjectBytes: 1_000_000 });
  decoder.push(encodeTraceReply(objects.map((fields) => encodeTraceObject(traceObject(fields)))));
  const batch = decoder.take();
  if (batch === undefined) throw new Error("no batch of no objects");
  return batch;
}
