import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Run, Segment, SegmentBuilder } from "../../../src/timeseries/snapshots/segment.js";
import { SnapshotError } from "../../../src/timeseries/snapshots/snapshot-fault.js";
import { labelSet } from "../../../src/timeseries/store/labels.js";

const base = 1_771_234_560_000;

const runs: fc.Arbitrary<Run[]> = fc.array(
  fc.record({
    metric: fc.oneof(fc.constantFrom("m", "n"), fc.string({ unit: "grapheme" })),
    labels: fc.dictionary(fc.string(), fc.string({ unit: "grapheme" }), { maxKeys: 3 }).map(labelSet),
    points: fc.array(
      fc.record({ time: fc.integer({ min: base, max: base + 2 ** 32 - 1 }), value: fc.double() }),
      { minLength: 1, maxLength: 100 },
    ),
  }),
  { maxLength: 10 },
);

function segmentOf(given: readonly Run[]): Buffer {
  const builder = new SegmentBuilder(base);
  for (const run of given) builder.add(run);
  return builder.build().bytes;
}

function faultOf(bytes: Buffer): string {
  try {
    new Segment(bytes);
    return "none";
  } catch (error) {
    return error instanceof SnapshotError ? error.fault.code : String(error);
  }
}

describe("a segment", () => {
  test("is read back unchanged", () => {
    fc.assert(
      fc.property(runs, (given) => {
        const segment = new Segment(segmentOf(given));
        const read: Run[] = [];
        for (const { metric, labels, count, times, values } of segment.runs()) {
          const points = Array.from({ length: count }, (_, n) => ({ time: times[n]!, value: values[n]! }));
          read.push({ metric, labels, points });
        }
        expect(read).toEqual(given);
        expect(segment.facts.points).toBe(given.reduce((sum, { points }) => sum + points.length, 0));
      }),
    );
  });

  test("with any byte changed or missing is refused", () => {
    fc.assert(
      fc.property(runs, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, place, change) => {
        const bytes = segmentOf(given);
        const at = place % bytes.length;
        const changed = Buffer.from(bytes);
        changed[at]! ^= change;
        expect(faultOf(changed)).not.toBe("none");
        expect(faultOf(bytes.subarray(0, at))).not.toBe("none");
        expect(faultOf(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe("cut-short");
      }),
    );
  });

  test("of a later version is refused as such", () => {
    const bytes = segmentOf([]);
    bytes.writeUInt32LE(2, 8);
    expect(faultOf(bytes)).toBe("other-version");
  });
});
