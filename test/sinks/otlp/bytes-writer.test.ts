import fc from "fast-check";
import { expect, test } from "vitest";
import { BytesWriter } from "../../../src/sinks/otlp/bytes-writer.js";

const anyMoment = fc.record({
  seconds: fc.oneof(
    fc.integer({ min: -10, max: 10 }),
    fc.integer({ min: 1_771_234_200, max: 1_771_234_210 }),
    fc.maxSafeInteger(),
  ),
  picoseconds: fc.oneof(
    fc.constantFrom(0, 999, 1_000, 999_999_999_999),
    fc.integer({ min: 0, max: 1e12 - 1 }),
  ),
});

test("times are nanoseconds in 64 bits; finer parts are cut off, and times before 1970 are 0", () => {
  fc.assert(
    fc.property(fc.array(anyMoment), (moments) => {
      const writer = new BytesWriter(Buffer.alloc(1));
      for (const moment of moments) writer.time(0x09, moment);
      const bytes = writer.finish();
      expect(bytes).toHaveLength(9 * moments.length);
      moments.forEach(({ seconds, picoseconds }, index) => {
        const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(picoseconds) / 1_000n;
        const expected = nanoseconds < 0n ? 0n : BigInt.asUintN(64, nanoseconds);
        expect([bytes[9 * index], bytes.readBigUInt64LE(9 * index + 1)]).toEqual([0x09, expected]);
      });
    }),
  );
});
