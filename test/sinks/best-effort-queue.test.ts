import { beforeEach, expect, test } from "vitest";
import { BestEffortQueue } from "../../src/sinks/best-effort-queue.js";

let written: number;
let dropped: Record<string, number>;
beforeEach(() => {
  written = 0;
  dropped = {};
});

const account = {
  received: () => {},
  written: (objects: number) => {
    written += objects;
  },
  dropped: (reason: string, objects: number) => {
    dropped[reason] = (dropped[reason] ?? 0) + objects;
  },
};

/** The waiting entries, by name, and those of them being sent. */
function senderOf(underWay: readonly string[] = []) {
  return { takeBack: (waiting: string) => !underWay.includes(waiting) };
}

test("a full queue drops its oldest unsent entries until the rest has room", () => {
  const queue = new BestEffortQueue<string>(100);
  const sender = senderOf(["a"]);
  for (const waiting of ["a", "b", "c"]) queue.add(waiting, { objects: 2, bytes: 40, sender, account });
  expect(queue.bytes).toBe(80);
  expect(dropped).toEqual({ "queue-full": 2 });
  queue.settle("a", {});
  queue.settle("c", { stopped: 1 });
  expect({ written, dropped, bytes: queue.bytes }).toEqual({
    written: 3,
    dropped: { "queue-full": 2, stopped: 1 },
    bytes: 0,
  });
});

test("an entry larger than the queue is dropped, unless it is being sent", () => {
  const queue = new BestEffortQueue<string>(100);
  queue.add("large", { objects: 1, bytes: 200, sender: senderOf(), account });
  expect({ dropped, bytes: queue.bytes }).toEqual({ dropped: { "queue-full": 1 }, bytes: 0 });
  queue.add("begun", { objects: 1, bytes: 200, sender: senderOf(["begun"]), account });
  expect(queue.bytes).toBe(200);
});
