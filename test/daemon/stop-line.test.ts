import { expect, test } from "vitest";
import { stopLine } from "../../src/daemon/stop-line.js";

type Outcome = Parameters<typeof stopLine>[0][number];

function sink(name: string, isRequired: boolean, dropped: Readonly<Record<string, number>> = {}): Outcome {
  const lost = Object.values(dropped).reduce((sum, objects) => sum + objects, 0);
  const reasons = new Map(Object.entries(dropped)) as Outcome["dropped"];
  return { sink: name, isRequired, received: 100, written: 100 - lost, dropped: reasons };
}

test.each([
  { what: "nothing came", outcome: [], line: "stopped; no objects were received" },
  {
    what: "nothing was dropped",
    outcome: [sink("file:a", true), sink("forwarding", false)],
    line: "stopped; all objects were written (file:a: 100, forwarding: 100)",
  },
  {
    what: "a queue was full",
    outcome: [sink("file:a", true), sink("forwarding", false, { "queue-full": 60, stopped: 10 })],
    line: "stopped; all objects were written to required sinks (file:a: 100); best-effort sink forwarding dropped 70 of 100 objects (queue-full: 60, stopped: 10)",
  },
  {
    what: "files could not be written",
    outcome: [
      sink("file:a", true, { stopped: 3 }),
      sink("file:b", true),
      sink("forwarding", false, { stopped: 9 }),
    ],
    line: "stopped; required sink file:a dropped 3 of 100 objects (stopped: 3); best-effort sink forwarding dropped 9 of 100 objects (stopped: 9)",
  },
  {
    what: "no sink is required",
    outcome: [sink("otlp", false, { rejected: 1 })],
    line: "stopped; best-effort sink otlp dropped 1 of 100 objects (rejected: 1)",
  },
])("the stop line names each sink with its drops if $what", ({ outcome, line }) => {
  expect(stopLine(outcome).message).toBe(line);
});

test("programs find the counts of each sink by reason", () => {
  expect(stopLine([sink("file:a", true, { stopped: 3 })]).facts).toEqual({
    sinks: [{ sink: "file:a", isRequired: true, received: 100, written: 97, dropped: { stopped: 3 } }],
  });
});
