import fc from "fast-check";
import { expect, test } from "vitest";
import { ObjectQueue } from "../../src/forwarder/object-queue.js";

test("objects come out once and in order, however adding and taking alternate", () => {
  const turns = fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { maxLength: 50 });
  fc.assert(
    fc.property(turns, (steps) => {
      const queue = new ObjectQueue<number>();
      const taken: number[] = [];
      let added = 0;
      for (const [more, count] of steps) {
        queue.add(Array.from({ length: more }, () => added++));
        taken.push(...queue.takeNow(count));
        expect(queue.length).toBe(added - taken.length);
      }
      taken.push(...queue.takeNow(added));
      expect(taken).toEqual(Array.from({ length: added }, (_, number) => number));
    }),
  );
});

test("a waiting reader gets the first objects to arrive, and nothing once no more will be added", async () => {
  const queue = new ObjectQueue<string>();
  const { signal } = new AbortController();
  const waiting = queue.take(5, signal);
  queue.add(["a", "b"]);
  expect(await waiting).toEqual(["a", "b"]);
  const last = queue.take(5, signal);
  queue.end();
  expect(await last).toEqual([]);
  expect(queue.isOver).toBe(true);
});

test("a waiting reader is released when the signal is aborted", async () => {
  const queue = new ObjectQueue<string>();
  const stopping = new AbortController();
  const waiting = queue.take(5, stopping.signal);
  stopping.abort();
  expect(await waiting).toEqual([]);
});
