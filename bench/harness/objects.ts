import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments, type Side } from "../../src/protocol/mux.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";

/** The smallest object that still resembles a node's. */
const leastObjectBytes = 100;

/** One trace object on the wire, and its line in a log. */
export interface SampleObject {
  readonly encoded: Uint8Array;
  /** Its machine text and a line feed. */
  readonly line: Uint8Array;
}

/** A trace object of exactly `objectBytes` bytes on the wire; text in its data makes up the length. */
export function sampleObject(objectBytes: number): SampleObject {
  if (objectBytes < leastObjectBytes) throw new Error(`an object has at least ${leastObjectBytes} bytes`);
  const bare = encodeWithMachine("");
  // The head of a text grows with the text, so approach from above.
  for (let length = objectBytes - bare.length; ; length -= 1) {
    const machine = machineText(length);
    const encoded = encodeWithMachine(machine);
    if (encoded.length <= objectBytes) return { encoded, line: Buffer.from(`${machine}\n`) };
  }
}

/** A reply of `count` such objects, in the segments of the side that opened the connection. */
export function sampleReply(object: SampleObject, count: number, sender: Side = "opener"): Uint8Array {
  const reply = encodeTraceReply(Array.from({ length: count }, () => object.encoded));
  return encodeSegments(sender, miniProtocols.traceObjects, reply, 0);
}

function encodeWithMachine(machine: string): Uint8Array {
  return encodeTraceObject({
    human: undefined,
    machine,
    namespace: ["ChainDB.AddBlockEvent"],
    severity: "Notice",
    details: "DNormal",
    timestamp: { seconds: 1_771_234_201, picoseconds: 123_456_700_000 },
    host: "node-1",
    thread: "31",
  });
}

const machineHead =
  '{"at":"2026-02-16T09:30:01.1234567Z","ns":"ChainDB.AddBlockEvent.AddedToCurrentChain","data":"';
const machineTail = '","sev":"Notice","thread":"31","host":"node-1"}';

/** ASCII of exactly `length` bytes: JSON, if it is long enough for that. */
function machineText(length: number): string {
  const fill = length - machineHead.length - machineTail.length;
  if (fill < 0) return "x".repeat(length);
  return machineHead + "AddedToCurrentChain ".repeat(Math.ceil(fill / 20)).slice(0, fill) + machineTail;
}
