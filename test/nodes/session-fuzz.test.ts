import fc from "fast-check";
import { expect, test } from "vitest";
import { SessionError } from "../../src/nodes/session-faults.js";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { ProtocolError } from "../../src/protocol/faults.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { encodeMetricsResponse } from "../../src/protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { magic, replyOf, ScriptedPeer } from "./scripted-peer.js";
import { begin, settings, TestHost } from "./test-host.js";

/** Limits so small that the messages below reach them. */
const tight = {
  ...settings,
  maxObjectBytes: 2_000,
  maxMetricsBytes: 1_024,
  maxDataPointBytes: 1_024,
  handshakeTimeoutMs: 50,
  nameTimeoutMs: 5,
  nameFrom: ["nodeInfo", "hostname"] as const,
};

const name = fc.string({ unit: "binary", maxLength: 400 });
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.nat(4_000).map((length) => "x".repeat(length)),
);
const info = fc.oneof(
  name.map((niName) => JSON.stringify({ niName })),
  fc.json({ maxDepth: 4 }),
  fc.nat(500).map((depth) => "[".repeat(depth)),
);

type Part = readonly [MiniProtocol, Uint8Array];

/** A well-formed message, at or beyond some limit. */
const message: fc.Arbitrary<Part> = fc.oneof(
  fc.constant([miniProtocols.handshake, encodeProposal(magic)] as const),
  fc
    .array(text, { minLength: 1, maxLength: 5 })
    .map((texts) => [miniProtocols.traceObjects, replyOf(texts)] as const),
  fc
    .array(fc.tuple(name, text), { maxLength: 8 })
    .map(
      (labels) =>
        [
          miniProtocols.metrics,
          encodeMetricsResponse(labels.map(([label, value]) => [label, { kind: "label", value }] as const)),
        ] as const,
    ),
  info.map(
    (json) => [miniProtocols.dataPoints, encodeDataPointsReply([["NodeInfo", Buffer.from(json)]])] as const,
  ),
  fc.constant([miniProtocols.dataPoints, encodeDataPointsReply([])] as const),
);

/** What happens to the bytes of a message: unchanged, cut short, or one of them replaced. */
const damage = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.option(fc.nat(255)) }),
);

const stream = fc.array(fc.tuple(message, damage, fc.integer({ min: 1, max: 65_535 })), { maxLength: 12 });

function bytesOf(
  parts: readonly (readonly [Part, { at: number; byte: number | null } | undefined, number])[],
): Buffer {
  const segments = parts.map(([[miniProtocol, given], harm, maxPayload]) => {
    const bytes = Uint8Array.from(given);
    const at = Math.floor((harm?.at ?? 0) * bytes.length);
    if (harm?.byte !== null && harm !== undefined) bytes[Math.min(at, bytes.length - 1)] = harm.byte;
    const kept = harm?.byte === null ? bytes.subarray(0, Math.max(1, at)) : bytes;
    return encodeSegments("opener", miniProtocol, kept, 0, maxPayload);
  });
  return Buffer.concat(segments);
}

test("for any bytes from a peer only its own session can end, with a fault from the wire's list", async () => {
  await fc.assert(
    fc.asyncProperty(
      stream,
      fc.boolean(),
      fc.integer({ min: 1, max: 5_000 }),
      async (parts, shakesHands, cut) => {
        const host = new TestHost();
        const { peer, session } = begin({ host, settings: tight, peer: new ScriptedPeer() });
        const hello = encodeSegments("opener", miniProtocols.handshake, encodeProposal(magic), 0);
        const bytes = Buffer.concat([shakesHands ? hello : Buffer.alloc(0), bytesOf(parts)]);
        for (let at = 0; at < bytes.length; at += cut) peer.stream.write(bytes.subarray(at, at + cut));
        peer.stream.end();
        await session.done;
        const fault = host.ends[0]?.fault;
        if (fault !== undefined)
          expect(fault instanceof ProtocolError || fault instanceof SessionError).toBe(true);
        expect(fault?.fault.code).not.toBe("internal-error");
        expect(host.budget.reading).toEqual({ reservedBytes: 0, heldBytes: 0 });
        expect(host.answers.bytes).toBe(0);
      },
    ),
    { numRuns: 400 },
  );
});

test("an error in Muninn ends the session of the peer that caused it, and is reported with its cause", async () => {
  const host = new TestHost();
  const { peer, session } = begin({ host });
  Object.defineProperty(host, "metrics", {
    value: () => {
      throw new RangeError("Cannot create a string longer than 0x1fffffe8 characters");
    },
  });
  await peer.shakeHands();
  peer.answerMetrics([]);
  peer.stream.end();
  await session.done;
  const fault = host.ends[0]?.fault;
  expect(fault?.fault.code).toBe("internal-error");
  expect(fault?.cause).toBeInstanceOf(RangeError);
});
