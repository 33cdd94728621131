import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeDataPointsReply, decodeDataPointsRequest } from "../../src/protocol/data-points.js";
import { answerProposal, readAnswer } from "../../src/protocol/handshake.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { decodeMetricsRequest, decodeMetricsResponse } from "../../src/protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux } from "../../src/protocol/mux.js";
import { decodeTraceRequest, encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { anyCuts, cutAt, faultOf, linesOf, messagesOf, readBatches } from "./streams.js";
import { anyTraceObject, asRead } from "./trace-replies.js";
import { type RecordedCase, readVector } from "./vectors.js";

/** What may happen to bytes on their way: at some place, some are removed and others inserted. */
const damage = fc.record({
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  taken: fc.nat(9),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 9 }),
    // Heads that announce much, early ends, and forms that no message has.
    fc
      .constantFrom(0x9f, 0xff, 0x80, 0x7b, 0x5f, 0xbf, 0xc1, 0xf6, 0x1b, 0xfb, 0xf9)
      .map((byte) => Uint8Array.of(byte)),
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((length) => Buffer.from([0x9b, ...length])),
  ),
});
const damages = fc.array(damage, { maxLength: 4 });

function damaged(
  bytes: Uint8Array,
  all: readonly { place: number; taken: number; put: Uint8Array }[],
): Uint8Array {
  let result = Buffer.from(bytes);
  for (const { place, taken, put } of all) {
    const at = Math.floor(place * result.length);
    result = Buffer.concat([result.subarray(0, at), put, result.subarray(at + taken)]);
  }
  return Uint8Array.from(result);
}

const limits = { numRuns: 300, interruptAfterTimeLimit: 20_000 };

/** Short recordings that contain every kind of message. */
const sessions = fc.constantFrom<RecordedCase>(
  "small-session",
  "data-points",
  "metrics-names",
  "refused-by-acceptor",
);

/** Reads everything that a side sends as the other side would; returns the most bytes it kept. */
function readSession(
  pieces: readonly Uint8Array[],
  side: "forwarder" | "acceptor",
  sender: "opener" | "listener",
): number {
  const decoder = new TraceReplyDecoder({ maxObjectBytes: 100_000 });
  const assemblers = [0, 1, 2, 3].map(() => new MessageAssembler({ what: "a message", maxBytes: 100_000 }));
  const read: Record<MiniProtocol, (message: Uint8Array) => unknown> =
    side === "forwarder"
      ? {
          0: (message) => answerProposal(message, 1),
          1: decodeMetricsResponse,
          2: () => undefined,
          3: decodeDataPointsReply,
        }
      : {
          0: (message) => readAnswer(message, 764_824_073),
          1: decodeMetricsRequest,
          2: decodeTraceRequest,
          3: decodeDataPointsRequest,
        };
  const demux = new Demux(sender);
  let most = 0;
  for (const piece of pieces) {
    demux.push(piece, (miniProtocol, payload) => {
      if (side === "forwarder" && miniProtocol === miniProtocols.traceObjects) decoder.push(payload);
      else for (const message of assemblers[miniProtocol]!.push(payload)) read[miniProtocol](message);
    });
    most = Math.max(most, decoder.pendingBytes);
    decoder.take()?.machineLines();
  }
  return most;
}

describe("damaged bytes", () => {
  test.each(["forwarder", "acceptor"] as const)(
    "from a %s give nothing worse than a ProtocolError",
    (side) => {
      const run = fc.property(sessions, damages, anyCuts, (name, all, places) => {
        const { bytes, sender } = readVector(name, side);
        const pieces = cutAt(damaged(bytes, all), places);
        let kept = 0;
        faultOf(() => {
          kept = readSession(pieces, side, sender);
        });
        expect(kept).toBeLessThanOrEqual(bytes.length + 100);
      });
      fc.assert(run, limits);
    },
  );

  test("leave every decoded trace object readable, with one line each", () => {
    const objects = fc.array(anyTraceObject, { minLength: 1, maxLength: 3 });
    const run = fc.property(objects, damages, anyCuts, (sent, all, places) => {
      const decoder = new TraceReplyDecoder({ maxObjectBytes: 100_000 });
      const reply = damaged(encodeTraceReply(sent.map(encodeTraceObject)), all);
      const fault = faultOf(() => {
        for (const piece of cutAt(reply, places)) decoder.push(piece);
      });
      const batch = decoder.take();
      if (batch === undefined) return;
      const read = readBatches([batch]);
      expect(linesOf([batch]).split("\n")).toHaveLength(read.length + 1);
      if (all.length === 0) expect([fault, ...read]).toEqual([undefined, ...sent.map(asRead)]);
    });
    fc.assert(run, { ...limits, numRuns: 1_000 });
  });

  const decoders: [
    name: string,
    decode: (message: Uint8Array) => unknown,
    recorded: [RecordedCase, "forwarder" | "acceptor", MiniProtocol],
  ][] = [
    ["a metrics answer", decodeMetricsResponse, ["metrics-all", "forwarder", 1]],
    ["a metrics request", decodeMetricsRequest, ["metrics-names", "acceptor", 1]],
    ["a data-point reply", decodeDataPointsReply, ["data-points", "forwarder", 3]],
    ["a data-point request", decodeDataPointsRequest, ["data-points", "acceptor", 3]],
    ["a trace-object request", decodeTraceRequest, ["small-session", "acceptor", 2]],
    ["a proposal", (message) => answerProposal(message, 1), ["small-session", "forwarder", 0]],
    ["an answer", (message) => readAnswer(message, 1), ["refused-by-acceptor", "acceptor", 0]],
  ];
  test.each(decoders)("in %s give a ProtocolError or a message", (_, decode, [name, side, miniProtocol]) => {
    const messages = messagesOf(readVector(name, side), miniProtocol);
    const run = fc.property(fc.constantFrom(...messages), damages, (message, all) => {
      faultOf(() => decode(damaged(message, all)));
    });
    fc.assert(run, limits);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (garbage) => {
        faultOf(() => decode(garbage));
      }),
      limits,
    );
  });
});
