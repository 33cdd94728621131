import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeMetricsResponse, type MetricValue } from "../../src/protocol/metrics.js";
import { MetricsDecoder } from "../../src/protocol/metrics-decoder.js";
import { anyCuts, cutAt, faultOf, hex } from "./streams.js";

type Taken = [name: string, value: number | bigint | string] | ["surplus", number] | ["end"];

/** What a decoder passed on for each answer. */
class Taker {
  readonly answers: Taken[][] = [];
  growth = 0;
  most = 0;
  readonly decoder: MetricsDecoder;

  constructor(maxAnswerBytes = 1_000_000) {
    this.decoder = new MetricsDecoder({
      maxAnswerBytes,
      onAnswer: () => {
        const taken: Taken[] = [];
        this.answers.push(taken);
        return {
          number: (name, _kind, value) => taken.push([name, value]),
          label: (name, text) => taken.push([name, text]),
          surplus: (count) => taken.push(["surplus", count]),
          end: () => taken.push(["end"]),
        };
      },
      onGrowth: (delta) => {
        this.growth += delta;
        this.most = Math.max(this.most, this.growth);
      },
    });
  }
}

const counters = (count: number): [string, MetricValue][] =>
  Array.from({ length: count }, (_, n) => [`metric-${n}`, { kind: "counter", value: BigInt(n) }]);

const value: fc.Arbitrary<MetricValue> = fc.oneof(
  fc.record({
    kind: fc.constant("gauge" as const),
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  fc.record({ kind: fc.constant("label" as const), value: fc.string({ unit: "binary", maxLength: 60 }) }),
);

describe("answers", () => {
  test("give the same metrics however they are cut, and leave nothing behind", () => {
    const answers = fc.array(fc.array(fc.tuple(fc.string({ maxLength: 40 }), value), { maxLength: 6 }), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(answers, anyCuts, (sent, cuts) => {
        const taker = new Taker();
        const bytes = Buffer.concat(sent.map((metrics) => encodeMetricsResponse(metrics)));
        for (const piece of cutAt(bytes, cuts)) taker.decoder.push(Uint8Array.from(piece));
        const expected = sent.map((metrics): Taken[] => [
          ...metrics.map(([name, { value: given }]): Taken => [name, given]),
          ["end"],
        ]);
        const taken = taker.answers.map((answer) =>
          answer.map(([name, given]) =>
            typeof given === "number" ? [name, BigInt(given)] : given === undefined ? [name] : [name, given],
          ),
        );
        expect(taken).toEqual(expected);
        expect([taker.growth, taker.decoder.midAnswer]).toEqual([0, false]);
      }),
    );
  });

  test("are passed on metric by metric as their bytes arrive, long before their end", () => {
    const taker = new Taker();
    const bytes = encodeMetricsResponse(counters(1_000));
    taker.decoder.push(bytes.subarray(0, bytes.length / 2));
    expect(taker.answers[0]!.length).toBeGreaterThan(400);
    expect(taker.answers[0]!.at(-1)).not.toEqual(["end"]);
    taker.decoder.push(bytes.subarray(bytes.length / 2));
    expect(taker.answers[0]).toHaveLength(1_001);
  });

  test("use no more memory with a million metrics than with one", () => {
    const taker = new Taker(100_000_000);
    const metric = hex("82 61 61 82 00 05");
    taker.decoder.push(hex("82 01 82 00 9f"));
    const many = Buffer.concat(new Array(1_000_000).fill(metric));
    for (let at = 0; at < many.length; at += 60_001) taker.decoder.push(many.subarray(at, at + 60_001));
    expect(taker.answers[0]).toHaveLength(1_000_000);
    expect(taker.most).toBeLessThan(100);
  });

  test("have their excess counted beyond the limit, and the next answer is accepted whole", () => {
    const taker = new Taker(1_000);
    const long = encodeMetricsResponse(counters(500));
    for (let at = 0; at < long.length; at += 600) taker.decoder.push(long.subarray(at, at + 600));
    taker.decoder.push(encodeMetricsResponse(counters(2)));
    const [first, second] = taker.answers;
    const surplus = first!
      .filter(([name]) => name === "surplus")
      .reduce((sum, [, count]) => sum + Number(count), 0);
    const kept = first!.filter(([name]) => name !== "surplus" && name !== "end").length;
    expect(surplus).toBeGreaterThan(400);
    expect(kept + surplus).toBe(500);
    expect(second).toEqual([["metric-0", 0], ["metric-1", 1], ["end"]]);
  });

  test("are refused at sixteen times their limit, however small their pieces", () => {
    const taker = new Taker(1_000);
    const metric = hex("82 61 61 82 00 05");
    taker.decoder.push(hex("82 01 82 00 9f"));
    const fault = faultOf(() => {
      for (let bytes = 0; bytes <= 16_000; bytes += metric.length) taker.decoder.push(metric);
    });
    expect(fault).toMatchObject({ code: "too-long", limit: 16_000 });
  });
});

test("a metric longer than 64 KiB is refused as soon as it announces its length", () => {
  const taker = new Taker();
  const fault = faultOf(() => taker.decoder.push(hex("82 01 82 00 9f 82 61 61 82 02 7a 00 01 00 01")));
  expect(fault).toMatchObject({ code: "too-long", limit: 65_536 });
});

test.each([
  ["a break in a list of known length", "82 01 82 00 82 82 61 61 82 00 05 ff"],
  ["a list of no pairs", "82 01 82 00 81 05"],
  ["another message", "81 01"],
  ["a text that is not UTF-8", "82 01 82 00 81 82 61 ff 82 00 05"],
])("%s is a fault", (_, bytes) => {
  expect(faultOf(() => new Taker().decoder.push(hex(bytes)))).toBeDefined();
});
