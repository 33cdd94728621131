import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageEncoder } from "../../src/protocol/message-encoder.js";
import { detailLevels, severities } from "../../src/protocol/trace-batch.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";

const text = fc.string({ unit: "binary", maxLength: 400 });

test("each of several messages is encoded byte for byte like any other trace object", () => {
  const message = fc.record({
    human: fc.option(text, { nil: undefined }),
    machine: fc.oneof(
      text,
      fc.constantFrom(..."0123456789").map((digit) => digit.repeat(70_000)),
      // The head of a text tells its bytes, of which there are more than characters.
      fc
        .tuple(fc.constantFrom("é", "€", "\ud800"), fc.constantFrom(23, 255, 1_365, 4_097, 40_000))
        .map(([character, times]) => character.repeat(times)),
    ),
    namespace: fc.constantFrom("", "A", "Shop.Order", "Größe"),
    severity: fc.constantFrom(...severities),
    details: fc.constantFrom(...detailLevels),
    at: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    nanos: fc.constantFrom(0, 1, 999_999),
    thread: fc.constantFrom("1", "4711"),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 10 }), (messages) => {
      const encoder = new MessageEncoder("host");
      for (const one of messages) {
        const seconds = Math.floor(one.at / 1_000);
        const timestamp = { seconds, picoseconds: (one.at - seconds * 1_000) * 1e9 + one.nanos * 1_000 };
        const expected = encodeTraceObject({ ...one, namespace: [one.namespace], timestamp, host: "host" });
        expect(Buffer.from(encoder.encode(one)).equals(expected)).toBe(true);
      }
    }),
  );
});
