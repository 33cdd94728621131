import fc from "fast-check";
import { expect } from "vitest";
import { ProtocolError, type ProtocolFault } from "../../src/protocol/faults.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import type { MiniProtocol } from "../../src/protocol/mini-protocols.js";
import { Demux } from "../../src/protocol/mux.js";
import type { TraceBatch } from "../../src/protocol/trace-batch.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import type { Recording } from "./vectors.js";

export const maxObjectBytes = 16 * 1_024 * 1_024;

/** Bytes of a hexadecimal text; spaces and line ends are only for the reader. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

/** A name and a way to cut bytes into pieces, as they may arrive. */
export const cuts: [name: string, cut: (bytes: Uint8Array) => Uint8Array[]][] = [
  ["whole", (bytes) => [bytes]],
  ["byte by byte", (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte))],
  ["in threes", (bytes) => piecesOf(bytes, 3)],
];

export function piecesOf(bytes: Uint8Array, length: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
  return pieces;
}

/** Positions at which bytes of any length are cut, as parts of that length. */
export const anyCuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

/** What a recorded side sent on a mini-protocol, cut into messages. */
export function messagesOf(recording: Recording, miniProtocol: MiniProtocol): Uint8Array[] {
  const assembler = new MessageAssembler({ what: "a recorded message", maxBytes: 64 * 1_024 * 1_024 });
  return [...assembler.push(payloadOf(recording, miniProtocol))].map((message) => Uint8Array.from(message));
}

/** The payloads of one mini-protocol in a recording, joined. */
export function payloadOf(recording: Recording, miniProtocol: MiniProtocol): Uint8Array {
  const payloads: Uint8Array[] = [];
  new Demux(recording.sender).push(recording.bytes, (of, payload) => {
    if (of === miniProtocol) payloads.push(payload);
  });
  return Uint8Array.from(Buffer.concat(payloads));
}

/** Decodes trace-object replies, taking the batch after every piece; `fault` is what stopped it. */
export function decodeReplies(
  pieces: readonly Uint8Array[],
  decoder = new TraceReplyDecoder({ maxObjectBytes }),
): { batches: TraceBatch[]; decoder: TraceReplyDecoder; fault: ProtocolFault | undefined } {
  const batches: TraceBatch[] = [];
  let fault: ProtocolFault | undefined;
  for (const piece of pieces) {
    fault = faultOf(() => decoder.push(piece));
    const batch = decoder.take();
    if (batch !== undefined) batches.push(batch);
    if (fault !== undefined) break;
  }
  return { batches, decoder, fault };
}

/** The fault that `work` ends with, if any; any other error fails the test. */
export function faultOf(work: () => unknown): ProtocolFault | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return (error as ProtocolError).fault;
  }
}

/** All contents of a batch, object by object. */
export function readBatches(batches: readonly TraceBatch[]): ReadObject[] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.length }, (_, index) => readObject(batch, index)),
  );
}

export type ReadObject = ReturnType<typeof readObject>;

function readObject(batch: TraceBatch, index: number) {
  const human = batch.human(index);
  return {
    human: human && Buffer.from(human).toString("utf8"),
    machine: Buffer.from(batch.machine(index)).toString("utf8"),
    namespace: batch.namespace(index),
    severity: batch.severity(index),
    details: batch.details(index),
    timestamp: batch.timestamp(index),
    host: batch.host(index),
    thread: batch.thread(index),
  };
}

/** All machine lines of some batches. */
export function linesOf(batches: readonly TraceBatch[]): string {
  return Buffer.concat(batches.map((batch) => batch.machineLines())).toString("utf8");
}
