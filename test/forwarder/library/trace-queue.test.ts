import fc from "fast-check";
import { expect, test } from "vitest";
import { TraceQueue } from "../../../src/forwarder/library/trace-queue.js";
import { type Message, MessageEncoder } from "../../../src/protocol/message-encoder.js";

const unlimited = { objects: 1_000_000, characters: 100_000_000 };

function message(number: number, characters = 20): Message {
  const machine = `${number}`.padStart(characters, " ");
  return {
    human: undefined,
    machine,
    namespace: "N",
    severity: "Info",
    details: "DNormal",
    at: 7,
    thread: "1",
  };
}

test("messages are taken once and in order, and the oldest are dropped: the queue never exceeds its limits", () => {
  const lengths = fc.oneof(fc.integer({ min: 6, max: 60 }), fc.constantFrom(3_000, 5_000, 70_000));
  const step = fc.record({ adds: fc.array(lengths, { maxLength: 30 }), takes: fc.nat(40) });
  const limits = fc.record({
    objects: fc.integer({ min: 1, max: 60 }),
    characters: fc.integer({ min: 50, max: 200_000 }),
  });
  const encoder = new MessageEncoder("h");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), limits, (steps, { objects, characters }) => {
      const queue = new TraceQueue("h", { objects, characters });
      let waiting: { readonly length: number; readonly bytes: Uint8Array }[] = [];
      let held = 0;
      let number = 0;
      let dropped = 0;
      for (const { adds, takes } of steps) {
        for (const length of adds) {
          number += 1;
          const before = dropped;
          if (length > characters) {
            dropped += 1;
            expect(queue.add(message(number, length))).toBe("too large");
            continue;
          }
          waiting.push({ length, bytes: encoder.encode(message(number, length)) });
          held += length;
          while (waiting.length > objects || held > characters) {
            held -= waiting.shift()!.length;
            dropped += 1;
          }
          expect(queue.add(message(number, length))).toBe(dropped - before);
        }
        const taken = waiting.slice(0, takes);
        const all = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString("latin1");
        const pieces = queue.takeNow(takes);
        expect(pieces.length).toBe(taken.length);
        expect(all(pieces) === all(taken.map(({ bytes }) => bytes))).toBe(true);
        for (const { length } of taken) held -= length;
        waiting = waiting.slice(takes);
        expect([queue.length, queue.dropped]).toEqual([waiting.length, dropped]);
      }
    }),
    { numRuns: 40 },
  );
});

test("a waiting reader gets the first message added, and nothing once no more will be added", async () => {
  const queue = new TraceQueue("h", unlimited);
  const { signal } = new AbortController();
  const waiting = queue.take(5, signal);
  queue.add(message(1));
  queue.add(message(2));
  expect((await waiting).length).toBe(2);
  queue.add(message(3));
  queue.end();
  expect(queue.isOver).toBe(false);
  expect((await queue.take(5, signal)).length).toBe(1);
  expect(await queue.take(5, signal)).toEqual([]);
  expect(queue.isOver).toBe(true);
});

test("a waiting reader is released when the signal is aborted", async () => {
  const stopping = new AbortController();
  const waiting = new TraceQueue("h", unlimited).take(5, stopping.signal);
  stopping.abort();
  expect(await waiting).toEqual([]);
});
