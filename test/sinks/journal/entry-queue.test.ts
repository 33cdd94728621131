import { expect, test, vi } from "vitest";
import { EntryQueue } from "../../../src/sinks/journal/entry-queue.js";
import type { Libc } from "../../../src/sinks/journal/libc.js";
import { batchOf } from "../../batches.js";

function opened() {
  const addressOf = vi.fn(() => 0);
  const queue = new EntryQueue({ addressOf } as unknown as Libc, "ForMachine");
  /** Tables made so far; each has two pieces of memory. */
  const tables = () => addressOf.mock.calls.length / 2;
  return { queue, tables };
}

test("four tables are kept for the next entries, however many there were at once", () => {
  const { queue, tables } = opened();
  const round = () => {
    for (let count = 0; count < 10; count += 1) void queue.add("relay", batchOf(Array(256).fill({})));
    const frames = Array.from({ length: 10 }, () => queue.next()!);
    for (const frame of frames) queue.read(frame, 256);
  };
  round();
  expect(tables()).toBe(10);
  round();
  expect(tables()).toBe(16);
});

test("entries that are given up count once, those that are too large for journald as such", async () => {
  const { queue } = opened();
  const batch = batchOf([{ machine: "large" }, { machine: "small" }]);
  const { machine } = batch;
  // Only a length; nobody has as much memory to spare.
  const large = { length: 800 * 2 ** 20 } as Uint8Array;
  Object.assign(batch, { machine: (index: number) => (index === 0 ? large : machine.call(batch, index)) });
  const settled = queue.add("relay", batch);
  expect(queue.next()?.parts).toMatchObject([{ entries: 1 }]);
  queue.giveUp();
  expect(await settled).toEqual({ stopped: 1, "too-large": 1 });
});
