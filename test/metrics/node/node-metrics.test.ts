import fc from "fast-check";
import { expect, test } from "vitest";
import { NodeMetrics } from "../../../src/metrics/node/node-metrics.js";
import { give } from "./metric-sets.js";

const counter = (value: bigint) => ({ kind: "counter", value }) as const;

test("an answer with only changes keeps the other metrics", () => {
  const metrics = new NodeMetrics({ maxBytes: 10_000 });
  give(
    metrics,
    [
      ["a", counter(1n)],
      ["b", counter(2n)],
    ],
    { whole: true, nowMs: 1_000 },
  );
  give(metrics, [["b", counter(3n)]], { whole: false, nowMs: 2_500.7 });
  expect(Object.fromEntries(metrics.entries())).toEqual({
    a: counter(1n),
    b: counter(3n),
    "ekg.server_timestamp_ms": counter(2_500n),
  });
});

test("an answer with everything forgets the metrics that it does not name", () => {
  const metrics = new NodeMetrics({ maxBytes: 10_000 });
  give(metrics, [["a", counter(1n)]], { whole: true, nowMs: 0 });
  give(metrics, [["b", counter(2n)]], { whole: true, nowMs: 0 });
  expect(
    metrics
      .entries()
      .map(([name]) => name)
      .sort(),
  ).toEqual(["b", "ekg.server_timestamp_ms"]);
});

test("a node's own ekg.server_timestamp_ms does not replace Muninn's", () => {
  const metrics = new NodeMetrics({ maxBytes: 10_000 });
  give(metrics, [["ekg.server_timestamp_ms", counter(1n)]], { whole: false, nowMs: 77 });
  expect(metrics.entries()).toEqual([["ekg.server_timestamp_ms", counter(77n)]]);
});

test("metrics beyond the limit are refused and counted, while existing numbers are updated", () => {
  const metrics = new NodeMetrics({ maxBytes: 150 });
  give(
    metrics,
    [
      ["a", counter(1n)],
      ["b", counter(1n)],
    ],
    { whole: false, nowMs: 1 },
  );
  give(metrics, [["a", counter(2n)]], { whole: false, nowMs: 2 });
  expect(metrics.refused).toBe(1);
  expect(Object.fromEntries(metrics.entries())).toEqual({
    a: counter(2n),
    "ekg.server_timestamp_ms": counter(2n),
  });
});

test("a text that no longer fits leaves nothing behind, not even the text before it", () => {
  const metrics = new NodeMetrics({ maxBytes: 200 });
  give(metrics, [["a", { kind: "label", value: "short" }]], { whole: false, nowMs: 1 });
  give(metrics, [["a", { kind: "label", value: "x".repeat(100) }]], { whole: false, nowMs: 2 });
  expect(metrics.refused).toBe(1);
  expect(new Map(metrics.entries()).has("a")).toBe(false);
  expect(metrics.bytes).toBe(0);
  give(metrics, [["a", { kind: "label", value: "short" }]], { whole: false, nowMs: 3 });
  expect(new Map(metrics.entries()).get("a")).toEqual({ kind: "label", value: "short" });
});

test.each([
  ["too many", "too-many", [["a"], ["b"], ["c"]]],
  ["of a name of 257 characters", "too-long", [["a"], ["b"], ["n".repeat(257)]]],
  ["of a text of 16 KiB and a character", "too-long", [["a"], ["b"], ["c", "x".repeat(16 * 1_024 + 1)]]],
  ["more than have room", "no-room", [["a"], ["b"], ["c".repeat(200)]]],
] as const)(
  "metrics that are %s are refused and counted, and those before them are kept",
  (_, reason, given) => {
    const told: unknown[] = [];
    const metrics = new NodeMetrics({
      maxBytes: reason === "no-room" ? 500 : 1_000_000,
      maxMetrics: reason === "no-room" ? 10 : 3,
      onRefused: (...refused) => told.push(refused),
    });
    const answer = given.map(([name, value = ""]) => [name, { kind: "label", value }] as const);
    give(metrics, answer, { whole: true, nowMs: 0 });
    expect(metrics.refused).toBe(1);
    expect(told).toEqual([[reason, 1]]);
    expect(metrics.entries().map(([name]) => name)).toEqual(["ekg.server_timestamp_ms", "a", "b"]);
  },
);

test("a complete answer forgets nothing before its end, however it is split", () => {
  const metrics = new NodeMetrics({ maxBytes: 10_000 });
  give(metrics, [["a", counter(1n)]], { whole: true, nowMs: 0 });
  const { version } = metrics;
  metrics.answered({ whole: true, nowMs: 0 });
  metrics.number("b", "counter", 2);
  expect(new Map(metrics.entries()).get("a")).toEqual(counter(1n));
  metrics.end();
  expect(new Map(metrics.entries()).has("a")).toBe(false);
  expect(metrics.version).not.toBe(version);
});

test("for any answers the store holds what fits, and reserves the same of the budget", () => {
  const value = fc.oneof(
    fc.constant(counter(1n)),
    fc.nat(200).map((length) => ({ kind: "label" as const, value: "x".repeat(length) })),
  );
  const answer = fc.record({
    whole: fc.boolean(),
    metrics: fc.array(fc.tuple(fc.constantFrom("a", "bb", "ccc", "dddd"), value)),
  });
  fc.assert(
    fc.property(fc.array(answer), (answers) => {
      let taken = 0;
      const mayGrow = (delta: number) => {
        if (delta > 0 && taken + delta > 700) return false;
        taken += delta;
        return true;
      };
      const metrics = new NodeMetrics({ maxBytes: 800, maxMetrics: 4, mayGrow });
      for (const { whole, metrics: given } of answers) {
        give(metrics, given, { whole, nowMs: 0 });
        let held = 0;
        for (const [name, metric] of metrics.entries()) {
          if (name === "ekg.server_timestamp_ms") continue;
          held += 140 + name.length + (metric.kind === "label" ? 2 * metric.value.length : 0);
        }
        expect([metrics.bytes, taken]).toEqual([held, held]);
      }
    }),
  );
});

test("versions differ after each answer and between nodes", () => {
  const one = new NodeMetrics({ maxBytes: 100 });
  const other = new NodeMetrics({ maxBytes: 100 });
  const versions = [one.version, other.version];
  give(one, [], { whole: false, nowMs: 0 });
  versions.push(one.version);
  give(other, [], { whole: false, nowMs: 0 });
  versions.push(other.version);
  expect(new Set(versions).size).toBe(4);
});

test("a snapshot of the store stays the same, whatever the node answers later", () => {
  const metrics = new NodeMetrics({ maxBytes: 10_000 });
  give(metrics, [["a", counter(1n)]], { whole: true, nowMs: 0 });
  const before = new Map(metrics.entries());
  give(metrics, [["a", { kind: "label", value: "now a text" }]], { whole: false, nowMs: 0 });
  expect(before.get("a")).toEqual(counter(1n));
  expect(new Map(metrics.entries()).get("a")).toEqual({ kind: "label", value: "now a text" });
});

test("a text that becomes a number makes room for others", () => {
  const metrics = new NodeMetrics({ maxBytes: 400 });
  give(metrics, [["a", { kind: "label", value: "x".repeat(60) }]], { whole: false, nowMs: 0 });
  give(metrics, [["a", counter(1n)]], { whole: false, nowMs: 0 });
  give(metrics, [["b", { kind: "label", value: "x".repeat(55) }]], { whole: false, nowMs: 0 });
  expect(metrics.refused).toBe(0);
});

test("the store behaves like a map, whatever the metrics and their order", () => {
  const answer = fc.record({
    whole: fc.boolean(),
    metrics: fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.bigInt({ min: 0n, max: 9n }))),
  });
  fc.assert(
    fc.property(fc.array(answer), (answers) => {
      const metrics = new NodeMetrics({ maxBytes: 10_000 });
      const expected = new Map<string, bigint>();
      for (const [nowMs, { whole, metrics: given }] of answers.entries()) {
        give(
          metrics,
          given.map(([name, value]) => [name, counter(value)]),
          { whole, nowMs },
        );
        if (whole) expected.clear();
        expected.set("ekg.server_timestamp_ms", BigInt(nowMs));
        for (const [name, value] of given) expected.set(name, value);
        const all = new Map([...expected].map(([name, value]) => [name, counter(value)]));
        expect(new Map(metrics.entries())).toEqual(all);
      }
    }),
  );
});

test("a 64-bit metric is kept in full", () => {
  const metrics = new NodeMetrics({ maxBytes: 1_000 });
  give(metrics, [["a", { kind: "gauge", value: 2n ** 63n - 1n }]], { whole: false, nowMs: 0 });
  expect(new Map(metrics.entries()).get("a")).toEqual({ kind: "gauge", value: 2n ** 63n - 1n });
});
