import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux, encodeSegments } from "../../src/protocol/mux.js";
import { anyCuts, cutAt, cuts, faultOf, hex } from "./streams.js";
import { readVector, recordedCases } from "./vectors.js";

/** What a demultiplexer delivered on each mini-protocol, joined. */
function deliveredBy(demux: Demux, pieces: readonly Uint8Array[]): string[] {
  const delivered = ["", "", "", ""];
  for (const piece of pieces) {
    demux.push(piece, (miniProtocol, payload) => {
      delivered[miniProtocol] += Buffer.from(payload).toString("hex");
    });
  }
  return delivered;
}

describe("demultiplexing", () => {
  const recordings = recordedCases.flatMap((name) =>
    (["forwarder", "acceptor"] as const).map((side) => ({ name, side })),
  );
  test.each(recordings)("$name, $side: pieces of any length give the same payloads", ({ name, side }) => {
    const { bytes, sender } = readVector(name, side);
    const whole = deliveredBy(new Demux(sender), [bytes]);
    expect(whole.join("")).not.toBe("");
    for (const [, cut] of cuts) {
      const demux = new Demux(sender);
      expect(deliveredBy(demux, cut(bytes))).toEqual(whole);
      expect(demux.midSegment).toBe(false);
    }
  });

  test("segments of several mini-protocols in one chunk are separated", () => {
    const chunk = hex("00000000 0002 0002 aabb  00000000 0001 0001 cc  00000000 0002 0001 dd");
    expect(deliveredBy(new Demux("opener"), [chunk])).toEqual(["", "cc", "aabbdd", ""]);
  });

  test("a payload is delivered before its segment is complete", () => {
    const demux = new Demux("listener");
    expect(deliveredBy(demux, [hex("00000000 8002 ffff aabb")])).toEqual(["", "", "aabb", ""]);
    expect(demux.midSegment).toBe(true);
  });

  test("a segment may hold 65,535 bytes", () => {
    const message = new Uint8Array(65_535).fill(7);
    const segments = encodeSegments("opener", miniProtocols.metrics, message, 0, 65_535);
    expect(segments.length).toBe(8 + 65_535);
    const demux = new Demux("opener");
    expect(deliveredBy(demux, [segments])[miniProtocols.metrics]).toBe(Buffer.from(message).toString("hex"));
    expect(demux.midSegment).toBe(false);
  });

  test.each([
    ["no payload", "opener", "00000000 0002 0000", { code: "segment-empty", miniProtocol: 2 }],
    [
      "the listener's bit",
      "opener",
      "00000000 8002 0001",
      { code: "segment-wrong-direction", miniProtocol: 2 },
    ],
    [
      "the opener's bit",
      "listener",
      "00000000 0002 0001",
      { code: "segment-wrong-direction", miniProtocol: 2 },
    ],
    ["mini-protocol 4", "opener", "00000000 0004 0001", { code: "mini-protocol-unknown", miniProtocol: 4 }],
    [
      "mini-protocol 32,767",
      "listener",
      "00000000 ffff 0001",
      { code: "mini-protocol-unknown", miniProtocol: 32_767 },
    ],
  ] as const)("a header with %s is refused at its last byte", (_, sender, header, fault) => {
    const demux = new Demux(sender);
    const bytes = hex(header);
    expect(faultOf(() => deliveredBy(demux, [bytes.subarray(0, 7)]))).toBeUndefined();
    expect(faultOf(() => deliveredBy(demux, [bytes.subarray(7)]))).toEqual(fault);
  });

  test("segments before a bad header in a chunk are delivered", () => {
    const delivered: number[] = [];
    const chunk = hex("00000000 0002 0001 aa  00000000 0009 0001 bb");
    const fault = faultOf(() =>
      new Demux("opener").push(chunk, (miniProtocol) => delivered.push(miniProtocol)),
    );
    expect(fault?.code).toBe("mini-protocol-unknown");
    expect(delivered).toEqual([2]);
  });

  test("the demultiplexer is mid-segment from the first byte of a segment to its last", () => {
    const demux = new Demux("opener");
    const states = Array.from(hex("00000000 0002 0002 aabb"), (byte) => {
      deliveredBy(demux, [Uint8Array.of(byte)]);
      return demux.midSegment;
    });
    expect(states).toEqual([...Array(9).fill(true), false]);
  });
});

describe("segments of a message", () => {
  test.each(["opener", "listener"] as const)("a recorded segment of the %s is reproduced", (sender) => {
    const name = sender === "opener" ? "small-session" : "connect-250";
    const { bytes } = readVector(name, "forwarder");
    const view = Buffer.from(bytes);
    const length = view.readUInt16BE(6);
    const made = encodeSegments(sender, 0, bytes.subarray(8, 8 + length), view.readUInt32BE(0));
    expect(Buffer.from(made)).toEqual(view.subarray(0, 8 + length));
  });

  test("a long message is sent in segments of 12,288 bytes, as recorded", () => {
    const made = encodeSegments("opener", 2, new Uint8Array(30_000), 1);
    const lengths = [0, 12_296, 24_592].map((at) => Buffer.from(made).readUInt16BE(at + 6));
    expect(lengths).toEqual([12_288, 12_288, 5_424]);
    expect(made.length).toBe(30_000 + 3 * 8);
  });

  test("a time beyond 32 bits keeps its low bits", () => {
    const made = encodeSegments("opener", 2, hex("00"), 2 ** 32 + 5);
    expect(Buffer.from(made).readUInt32BE(0)).toBe(5);
  });

  test("an encoded message is delivered again, however long its segments and however they are cut", () => {
    const sides = fc.constantFrom("opener" as const, "listener" as const);
    const miniProtocol = fc.constantFrom<MiniProtocol>(0, 1, 2, 3);
    const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(
        sides,
        miniProtocol,
        message,
        fc.integer({ min: 1, max: 99 }),
        anyCuts,
        (side, of, bytes, most, places) => {
          const segments = encodeSegments(side, of, bytes, 0, most);
          const delivered = deliveredBy(new Demux(side), cutAt(segments, places));
          expect(delivered[of]).toBe(Buffer.from(bytes).toString("hex"));
          expect(delivered.join("")).toBe(delivered[of]);
        },
      ),
    );
  });
});
