import { expect, test } from "vitest";
import { SentMetrics } from "../../src/forwarder/sent-metrics.js";
import type { MetricValue } from "../../src/protocol/metrics.js";

test("a tracer that asks for changes gets each metric once, and again when its value or kind changes", () => {
  const sent = new SentMetrics();
  const metrics = new Map<string, MetricValue>([
    ["a", { kind: "gauge", value: 5n }],
    ["b", { kind: "label", value: "x" }],
  ]);
  const changes = () => sent.answer({ kind: "updated" }, metrics).map(([name]) => name);
  expect(changes()).toEqual(["a", "b"]);
  expect(changes()).toEqual([]);
  metrics.set("b", { kind: "label", value: "y" });
  expect(changes()).toEqual(["b"]);
  metrics.set("a", { kind: "counter", value: 5n });
  expect(changes()).toEqual(["a"]);
  expect(sent.answer({ kind: "all" }, metrics)).toHaveLength(2);
  expect(sent.answer({ kind: "names", names: ["b", "absent"] }, metrics).map(([name]) => name)).toEqual([
    "b",
  ]);
});
