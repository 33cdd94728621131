import fc from "fast-check";
import { expect, test } from "vitest";
import { AppendQueue } from "../../src/registry/append-queue.js";
import { lines, settled, watch } from "./test-registry.js";

test("appends are gathered until they reach the required size, and no further", () => {
  const queue = new AppendQueue();
  for (const text of ["1", "2", "3"]) void queue.push(lines(text));
  expect(Buffer.concat(queue.next(3)).toString()).toBe("1\n2\n");
  expect(Buffer.concat(queue.next(4)).toString()).toBe("1\n2\n");
  expect(Buffer.concat(queue.next(5)).toString()).toBe("1\n2\n3\n");
});

test("however little of each piece a file accepts, it gets every byte once and in order, and none is acknowledged before it is written", async () => {
  const append = fc.array(fc.constantFrom("a", "bb", "ccc"), { minLength: 1, maxLength: 4 });
  const steps = fc.array(
    fc.record({ enough: fc.integer({ min: 1, max: 20 }), take: fc.integer({ min: 1, max: 20 }) }),
    {
      minLength: 200,
      maxLength: 200,
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(append, { minLength: 1, maxLength: 12 }), steps, async (appends, plan) => {
      const queue = new AppendQueue();
      const all = appends.map((texts) => Buffer.from(lines(...texts)));
      const pushed = all.map((bytes) => watch(queue.push(bytes)));
      let file = "";
      for (const { enough, take } of plan) {
        if (queue.isEmpty) break;
        const offered = Buffer.concat(queue.next(enough));
        const taken = offered.subarray(0, take);
        file += taken.toString();
        queue.wrote(taken.length);
        queue.settle();
        await Promise.resolve();
        await Promise.resolve();
        const acknowledged = pushed.filter(({ isSettled }) => isSettled).length;
        expect(Buffer.concat(all.slice(0, acknowledged)).length).toBeLessThanOrEqual(file.length);
        expect(queue.unsafeBytes).toBe(Buffer.concat(all.slice(acknowledged)).length);
      }
      expect(file).toBe(Buffer.concat(all).toString());
      expect(queue.isEmpty).toBe(true);
    }),
  );
});

test("an append already begun is finished alone, before others are offered", () => {
  const queue = new AppendQueue();
  void queue.push(lines("first"));
  void queue.push(lines("second"));
  queue.wrote(2);
  expect(queue.next(1_000)).toEqual([Buffer.from("rst\n")]);
});

test("after a restart every unacknowledged append is offered again", () => {
  const queue = new AppendQueue();
  void queue.push(lines("first"));
  void queue.push(lines("second"));
  queue.wrote(8);
  queue.restart();
  expect(Buffer.concat(queue.next(1_000)).toString()).toBe("first\nsecond\n");
  expect(queue.writtenBytes).toBe(0);
});

test.each([
  { written: 0, again: "one\ntwo\nthree\n" },
  { written: 3, again: "one\ntwo\nthree\n" },
  { written: 4, again: "two\nthree\n" },
  { written: 5, again: "two\nthree\n" },
  { written: 13, again: "three\n" },
  { written: 14, again: "" },
])(
  "after $written bytes in a file that accepts no more, only the unfinished line is offered again",
  ({ written, again }) => {
    const queue = new AppendQueue();
    const state = watch(queue.push(lines("one", "two", "three")));
    queue.wrote(written);
    expect(queue.restartLine()).toBe(14 - again.length);
    expect(Buffer.concat(queue.next(1_000)).toString()).toBe(again);
    expect(queue.unsafeBytes).toBe(again.length);
    expect(state.isSettled).toBe(false);
  },
);

test("those who wait for the queue to drain are told when it has drained or was given up", async () => {
  const queue = new AppendQueue();
  await queue.drained();
  const first = watch(queue.push(lines("x")));
  const drained = watch(queue.drained());
  await settled();
  expect(drained.isSettled).toBe(false);
  queue.wrote(2);
  queue.settle();
  await settled();
  expect([first.isSettled, drained.isSettled]).toEqual([true, true]);
  const second = watch(queue.push(lines("y")));
  const givenUp = watch(queue.drained());
  queue.rejectAll(new Error("given up"));
  await settled();
  expect([second.isSettled, givenUp.isSettled]).toEqual([true, true]);
  expect(queue.unsafeBytes).toBe(0);
});
