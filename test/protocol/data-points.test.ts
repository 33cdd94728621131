import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DataPointsRequest,
  decodeDataPointsReply,
  decodeDataPointsRequest,
  encodeDataPointsDone,
  encodeDataPointsReply,
  encodeDataPointsRequest,
} from "../../src/protocol/data-points.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { faultOf, hex, messagesOf } from "./streams.js";
import { expectedDataPoints, readVector, recordedCases } from "./vectors.js";

function asText(points: ReturnType<typeof decodeDataPointsReply>): [string, string | null][] {
  return points.map(([name, value]) => [
    name,
    value === undefined ? null : Buffer.from(value).toString("utf8"),
  ]);
}

const text = fc.string({ unit: "binary" });

describe("recorded data points", () => {
  test("the replies decode to the values that were set", () => {
    const messages = messagesOf(readVector("data-points", "forwarder"), miniProtocols.dataPoints);
    expect(messages.map((message) => asText(decodeDataPointsReply(message)))).toEqual(
      expectedDataPoints().replies,
    );
  });

  test("the requests are decoded", () => {
    const messages = messagesOf(readVector("data-points", "acceptor"), miniProtocols.dataPoints);
    const names = expectedDataPoints().requests;
    expect(messages.map(decodeDataPointsRequest)).toEqual(
      names.map((asked) => ({ kind: "request", names: asked })),
    );
  });

  test.each(recordedCases.filter((name) => !name.startsWith("refused")))(
    "the requests and replies of %s are reproduced byte for byte",
    (name) => {
      const requests = messagesOf(readVector(name, "acceptor"), miniProtocols.dataPoints);
      const replies = messagesOf(readVector(name, "forwarder"), miniProtocols.dataPoints);
      expect(replies.length).toBeGreaterThan(0);
      for (const message of requests) {
        const { names } = decodeDataPointsRequest(message) as DataPointsRequest & { kind: "request" };
        expect(Buffer.from(encodeDataPointsRequest(names))).toEqual(Buffer.from(message));
      }
      for (const message of replies) {
        expect(Buffer.from(encodeDataPointsReply(decodeDataPointsReply(message)))).toEqual(
          Buffer.from(message),
        );
      }
    },
  );
});

describe("a reply", () => {
  test("is decoded unchanged, whatever its names and values", () => {
    const value = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, value)), (points) => {
        expect(decodeDataPointsReply(encodeDataPointsReply(points))).toEqual(points);
      }),
    );
  });

  test.each([
    ["one chunk", "82 03 81 82 61 61 81 5f 42 7b7d ff", "{}"],
    ["several chunks", "82 03 81 82 61 61 81 5f 41 7b 40 41 7d ff", "{}"],
    ["definite bytes", "82 03 81 82 61 61 81 42 7b7d", "{}"],
    ["no chunk", "82 03 81 82 61 61 81 5f ff", ""],
    ["nothing at all", "82 03 9f 82 61 61 80 ff", null],
  ])("may hold a value of %s", (_, message, value) => {
    expect(asText(decodeDataPointsReply(hex(message)))).toEqual([["a", value]]);
  });

  test("writes an empty value without a chunk, as Haskell writes empty lazy bytes", () => {
    const reply = encodeDataPointsReply([["a", new Uint8Array(0)]]);
    expect(Buffer.from(reply)).toEqual(Buffer.from(hex("82 03 9f 82 61 61 81 5f ff ff")));
  });

  test("keeps its values when its buffer is reused", () => {
    const message = hex("82 03 82 82 61 61 81 41 78 82 61 62 81 5f 41 79 ff");
    const points = decodeDataPointsReply(message);
    message.fill(0);
    expect(asText(points)).toEqual([
      ["a", "x"],
      ["b", "y"],
    ]);
  });

  test.each([
    ["a value of text", "82 03 81 82 61 61 81 62 7b7d", "malformed"],
    ["two values", "82 03 81 82 61 61 82 41 00 41 00", "malformed"],
    ["null", "82 03 81 82 61 61 f6", "malformed"],
    ["an indefinite chunk", "82 03 81 82 61 61 81 5f 5f 41 00 ff ff", "malformed"],
    ["a chunk of text", "82 03 81 82 61 61 81 5f 61 61 ff", "malformed"],
    ["an indefinite pair", "82 03 81 9f 61 61 80 ff", "malformed"],
    ["an indefinite message", "9f 03 80 ff", "malformed"],
    ["a name of invalid UTF-8", "82 03 81 82 61 ff 80", "invalid-utf8"],
    ["another key", "82 01 80", "malformed"],
    ["more than a message", "82 03 80 00", "malformed"],
    ["a value longer than the message", "82 03 81 82 61 61 81 5b 0000000100000000 00", "malformed"],
  ])("with %s is refused", (_, message, code) => {
    expect(faultOf(() => decodeDataPointsReply(hex(message)))?.code).toBe(code);
  });

  test("is refused if it is cut short anywhere", () => {
    const message = messagesOf(readVector("data-points", "forwarder"), miniProtocols.dataPoints)[1]!;
    for (let end = 0; end < message.length; end += 1) {
      expect(faultOf(() => decodeDataPointsReply(message.subarray(0, end)))?.code).toBe("malformed");
    }
  });
});

describe("a request", () => {
  test("is decoded unchanged", () => {
    fc.assert(
      fc.property(fc.array(text), (names) => {
        expect(decodeDataPointsRequest(encodeDataPointsRequest(names))).toEqual({ kind: "request", names });
      }),
    );
  });

  test("can be done", () => {
    expect(decodeDataPointsRequest(encodeDataPointsDone())).toEqual({ kind: "done" });
    expect(Buffer.from(encodeDataPointsDone())).toEqual(Buffer.from(hex("81 02")));
  });

  test.each([
    ["an unknown key", "82 04 80"],
    ["no names", "81 01"],
    ["an indefinite message", "9f 01 80 ff"],
    ["names that are bytes", "82 01 81 41 61"],
    ["done with a field", "82 02 80"],
    ["more than a message", "82 01 80 00"],
    ["half a name", "82 01 81 62 61"],
  ])("with %s is refused", (_, message) => {
    expect(faultOf(() => decodeDataPointsRequest(hex(message)))?.code).toBe("malformed");
  });
});

test("a reply with more points than anybody asks for is refused", () => {
  const points = Array.from({ length: 1_025 }, (_, n) => [`${n}`, undefined] as const);
  expect(decodeDataPointsReply(encodeDataPointsReply(points.slice(1)))).toHaveLength(1_024);
  expect(faultOf(() => decodeDataPointsReply(encodeDataPointsReply(points)))?.code).toBe("malformed");
});

test("a value of a hundred thousand one-byte chunks is joined, and one of more than a million is refused", () => {
  const reply = (pieces: number) =>
    Buffer.concat([hex("82 03 81 82 61 61 81 5f"), Buffer.alloc(2 * pieces, hex("41 78")), hex("ff")]);
  const [[, value]] = decodeDataPointsReply(reply(100_000)) as [[string, Uint8Array]];
  expect(Buffer.from(value).equals(Buffer.alloc(100_000, "x"))).toBe(true);
  expect(faultOf(() => decodeDataPointsReply(reply(1_048_577)))?.code).toBe("malformed");
});

test("a text longer than the longest string is refused before it is created", () => {
  const length = 64 * 1_024 * 1_024 + 1;
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  const reply = Buffer.concat([hex("82 03 81 82 7a"), head, Buffer.alloc(length, "x"), hex("80")]);
  expect(faultOf(() => decodeDataPointsReply(reply))?.code).toBe("too-long");
});
