import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExposedNames } from "../../../src/metrics/node/exposed-name.js";
import { type ExpositionFormat, exposition } from "../../../src/metrics/node/exposition.js";
import {
  openMetricsParserMissing,
  parseOpenMetrics,
  prometheusOpenMetricsErrors,
  promtoolErrors,
  promtoolMissing,
} from "./exposition-parsers.js";
import { type MetricSet, metricsOf, nastyMetrics } from "./metric-sets.js";

const help = new Map(
  ["a", "a_total", "b.int", "x_info"].map((name) => [name, 'Help "of" \\ this\nand that 😀 \r']),
);

/** One document for only the first set, or for all sets as nodes. */
function document(sets: readonly MetricSet[], format: ExpositionFormat, noSuffix = false): string {
  const nodes = sets.map((set, index) => ({
    label: sets.length === 1 ? undefined : `node "${index}" 😀`,
    metrics: metricsOf(set),
  }));
  return [...exposition(nodes, { format, names: new ExposedNames({ noSuffix }), help })].join("");
}

/** Documents of one and of several nodes, with and without suffixes; the same in every run with the same seed. */
function documents(format: ExpositionFormat, options: { cases: number; seed: number }): string[] {
  const sets = fc.sample(nastyMetrics, { numRuns: options.cases * 3, seed: options.seed });
  return Array.from({ length: options.cases }, (_, i) => [
    document([sets[i * 3]!], format, i % 2 === 0),
    document(sets.slice(i * 3, i * 3 + 3), format, i % 2 === 1),
  ]).flat();
}

const seed = Math.floor(Math.random() * 2 ** 31);

describe(`metric sets that no sane node sends (seed ${seed})`, () => {
  test("promtool finds no error in text 0.0.4", async (ctx) => {
    if (promtoolMissing) ctx.skip(promtoolMissing);
    for (const text of documents("text", { cases: 12, seed })) {
      expect(await promtoolErrors(text), text).toBe("");
    }
  });

  test("Prometheus takes the OpenMetrics form", async (ctx) => {
    if (promtoolMissing) ctx.skip(promtoolMissing);
    for (const text of documents("openmetrics", { cases: 12, seed })) {
      expect(await prometheusOpenMetricsErrors(text), text).toBe("");
    }
  });

  test("the strict OpenMetrics parser takes the OpenMetrics form", async (ctx) => {
    if (openMetricsParserMissing) ctx.skip(openMetricsParserMissing);
    const texts = documents("openmetrics", { cases: 150, seed });
    const parsed = await parseOpenMetrics(texts);
    for (const [index, families] of parsed.entries()) {
      expect(families, texts[index]).toBeInstanceOf(Array);
    }
  });
});

test("series have the same names and labels in both formats", () => {
  fc.assert(
    fc.property(fc.array(nastyMetrics, { minLength: 1, maxLength: 3 }), (sets) => {
      const series = (format: ExpositionFormat) =>
        document(sets, format)
          .split("\n")
          .filter((line) => !line.startsWith("#"));
      expect(series("openmetrics")).toEqual(series("text"));
    }),
    { numRuns: 50 },
  );
});

test("the strict OpenMetrics parser reads the values and labels that the node sent", async (ctx) => {
  if (openMetricsParserMissing) ctx.skip(openMetricsParserMissing);
  const odd = 'q"\\ \n {}, # 😀 \r\t';
  const text = document(
    [
      [
        ["big_total", "c", 2n ** 63n - 1n],
        ["small", "g", -(2n ** 63n)],
        ["words_info", "l", odd],
        ["build", "l", '{a="x\\"y",b="1 # 2"} 1'],
      ],
    ],
    "openmetrics",
  );
  const [families] = await parseOpenMetrics([text]);
  expect(families).toEqual(
    expect.arrayContaining([
      { name: "big", type: "counter", help: "", samples: [["big_total", {}, "9223372036854775807"]] },
      { name: "small", type: "gauge", help: "", samples: [["small", {}, "-9223372036854775808"]] },
      { name: "words", type: "info", help: "", samples: [["words_info", { value: odd }, "1"]] },
      { name: "build", type: "unknown", help: "", samples: [["build", { a: 'x"y', b: "1 # 2" }, "1"]] },
    ]),
  );
});
