import { expect, test, vi } from "vitest";
import { nodeAnswers } from "../../../src/sinks/forwarding/node-answers.js";
import { identity } from "../live/accounts.js";

function nodeWith(name: string, metrics: number) {
  const entries = Array.from(
    { length: metrics },
    (_, n) => [`m${n}`, { kind: "label", value: "x".repeat(100) }] as const,
  );
  const dataPoints = vi.fn(async ([point]: readonly string[]) => new Map([[point!, Buffer.from('"told"')]]));
  return {
    node: identity(name),
    metrics: { size: metrics, entries: () => entries },
    session: { dataPoints },
  };
}

function answersOf(...nodes: ReturnType<typeof nodeWith>[]) {
  const onCut = vi.fn();
  const answers = nodeAnswers({
    metrics: true,
    dataPoints: true,
    version: "1",
    nodes: () => ({ nodes: () => nodes }),
    onCut,
  });
  return { answers, onCut };
}

test("an answer with metrics stays below a million bytes, and the rest is reported", () => {
  const { answers, onCut } = answersOf(nodeWith("a", 2_000), nodeWith("b", 2_000), nodeWith("c", 7));
  const { metrics } = answers;
  let bytes = 0;
  for (const [name, { value }] of metrics) bytes += name.length + String(value).length;
  expect(bytes).toBeLessThan(1_000_000);
  expect(metrics.size).toBeGreaterThan(2_000);
  expect(onCut.mock.calls).toEqual([[4_007 - metrics.size]]);
});

test("a node has five seconds to answer for a data point", async () => {
  const [one, other] = [nodeWith("a", 0), nodeWith("b", 0)];
  const { answers } = answersOf(one, other);
  const told = await answers.askDataPoints!(["b.NodeInfo", "c.NodeInfo"]);
  expect(told.map(([name, bytes]) => [name, bytes?.toString()])).toEqual([
    ["b.NodeInfo", '"told"'],
    ["c.NodeInfo", undefined],
  ]);
  expect(other.session.dataPoints.mock.calls).toEqual([[["NodeInfo"], 5_000]]);
  expect(one.session.dataPoints).not.toHaveBeenCalled();
});
