import { expect, test } from "vitest";
import { knownMetrics, metricAt } from "../../src/testing/node-metrics.js";

test("of the numbered metrics every tenth changes each second, and no other", () => {
  const at = (seconds: number) =>
    Array.from({ length: 30 }, (_, index) => metricAt(100 + index, { seconds, startedAt: 0 })[1].value);
  const changed = at(1).flatMap((value, index) => (value === at(2)[index] ? [] : [index]));
  expect(changed).toEqual([0, 10, 20]);
  expect(knownMetrics).toBeLessThan(100);
});
