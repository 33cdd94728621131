import fc from "fast-check";
import { type NodeMetric, NodeMetrics } from "../../../src/metrics/node/node-metrics.js";

/** Metrics as tests write them, with ekg's letters for the kinds. */
export type MetricSet = (
  | readonly [name: string, kind: "c" | "g", value: bigint]
  | readonly [name: string, kind: "l", value: string]
)[];

/** A store that has received this set in one answer. */
export function metricsOf(set: MetricSet): NodeMetrics {
  const metrics = new NodeMetrics({ maxBytes: 100_000_000 });
  give(
    metrics,
    set.map(([name, kind, value]) => [name, metricOf(kind, value)]),
    { whole: true, nowMs: 1_700_000_000_123 },
  );
  return metrics;
}

/** Passes a node's answer to its store. */
export function give(
  metrics: NodeMetrics,
  answer: readonly (readonly [name: string, metric: NodeMetric])[],
  options: { whole: boolean; nowMs: number },
): void {
  metrics.answered(options);
  for (const [name, { kind, value }] of answer) {
    if (kind === "label") metrics.label(name, value);
    else metrics.number(name, kind, value);
  }
  metrics.end();
}

function metricOf(kind: "c" | "g" | "l", value: bigint | string): NodeMetric {
  if (typeof value === "string") return { kind: "label", value };
  return { kind: kind === "c" ? "counter" : "gauge", value };
}

const nastyName = fc.oneof(
  fc
    .array(
      fc.constantFrom("a", "b", "x", ".", "-", " ", "_", "9", "é", "😀", ":", '"', "\n", "{", "}", "#"),
      { maxLength: 4 },
    )
    .chain((parts) =>
      fc
        .constantFrom(
          "",
          "_total",
          "_info",
          "_created",
          "_bucket",
          "_count",
          "_sum",
          ".int",
          "_real",
          "_counter",
        )
        .map((ending) => parts.join("") + ending),
    ),
  fc.string({ unit: "binary", maxLength: 12 }),
);

const nastyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc
    .array(
      fc.constantFrom(
        '"',
        "\\",
        "\n",
        "\r",
        "\t",
        "\0",
        "{",
        "}",
        ",",
        "=",
        " # ",
        "😀",
        "n",
        "\u2028",
        "\ud800",
      ),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join("")),
  fc.double().map(String),
  fc.constantFrom("1e999", "-1e999", "+5.", ".5", "Infinity", "NaN", "0x1", "1_0", " 7 ", "- 1"),
);

const nastyLabels = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        "a",
        "b",
        "le",
        "quantile",
        "node_name",
        "exported_node_name",
        "__name__",
        "_x",
        "value",
        "0",
        "é",
      ),
      nastyText,
    ),
    { maxLength: 4 },
  )
  .chain((labels) =>
    fc.tuple(fc.boolean(), fc.constantFrom(" 1", "", " 2", " NaN", " x", "1")).map(([escapes, value]) => {
      const pairs = labels.map(([name, text]) => `${name}="${escapes ? escaped(text) : text}"`);
      return `{${pairs.join(",")}}${value}`;
    }),
  );

function escaped(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
}

/** Sets of metrics that no sane node sends: names that collide, reserved endings, texts of any kind. */
export const nastyMetrics: fc.Arbitrary<MetricSet> = fc.array(
  fc.oneof(
    fc.tuple(
      nastyName,
      fc.constantFrom("c" as const, "g" as const),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ),
    fc.tuple(nastyName, fc.constant("l" as const), fc.oneof(nastyText, nastyLabels)),
  ),
  { maxLength: 60 },
);
