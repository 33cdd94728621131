import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { columns } from "../../src/protocol/object-fields.js";
import type { ReceivedBatch } from "../../src/protocol/received-batch.js";
import { SpareMemory } from "../../src/protocol/spare-memory.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { TraceReplyDecoder } from "../../src/protocol/trace-reply-decoder.js";
import { linesOf, maxObjectBytes, readBatches } from "./streams.js";
import { asLine, asRead } from "./trace-replies.js";
import { expectedObjects } from "./vectors.js";

const plain = expectedObjects("small-session")[0]!;
/** With one of these, a batch uses memory that is reused. */
const longMachine = "x".repeat(50_000);

/** A reply of one numbered object; every second one has a human text. */
function numbered(seq: number) {
  const human = seq % 2 === 0 ? `human ${seq}` : undefined;
  const object = { ...plain, human, machine: `${seq}${longMachine}`, host: `host-${seq}` };
  return { object, reply: encodeTraceReply([encodeTraceObject(object)]) };
}

test("returned memory is reused, and only after its return", () => {
  const memory = new SpareMemory();
  const first = memory.take(100_000);
  const second = memory.take(100_000);
  expect(second.buffer).not.toBe(first.buffer);
  memory.giveBack(first);
  expect(memory.take(120_000)).toBe(first);
  expect(memory.take(120_000)).not.toBe(second);
});

test.each([40_961, 163_840, 163_841, 557_056])("memory of %i bytes is kept", (bytes) => {
  const memory = new SpareMemory();
  const first = memory.take(bytes);
  memory.giveBack(first);
  expect(memory.take(bytes)).toBe(first);
});

test.each([
  [1, 32],
  [32, 32],
  [33, 256],
  [257, 1_024],
  [1_024, 1_024],
])("a table for %i rows has room for %i, and is kept", (rows, kept) => {
  const memory = new SpareMemory();
  const first = memory.takeTable(rows);
  expect(first.length).toBe(kept * columns);
  expect(memory.takeTable(rows)).not.toBe(first);
  memory.giveBackTable(first);
  expect(memory.takeTable(rows)).toBe(first);
});

test("a table for more rows is allocated each time", () => {
  const memory = new SpareMemory();
  const first = memory.takeTable(1_025);
  expect(first.length).toBe(1_025 * columns);
  memory.giveBackTable(first);
  expect(memory.takeTable(1_025)).not.toBe(first);
});

test("releasing a batch returns its memory and its table, once", () => {
  const memory = new SpareMemory();
  const decoder = new TraceReplyDecoder({ maxObjectBytes, memory });
  decoder.push(numbered(1).reply);
  const batch = decoder.take()!;
  const givenBack = vi.spyOn(memory, "giveBack");
  const tables = vi.spyOn(memory, "giveBackTable");
  batch.release();
  batch.release();
  expect(givenBack.mock.calls.map(([{ length }]) => length)).toEqual([163_840]);
  expect(tables.mock.calls.map(([{ length }]) => length)).toEqual([32 * columns]);
});

test("a growing table returns the smaller one, and no table is used twice at once", () => {
  const memory = new SpareMemory();
  const taken = vi.spyOn(memory, "takeTable");
  const givenBack = vi.spyOn(memory, "giveBackTable");
  const object = encodeTraceObject(plain);
  const decoder = new TraceReplyDecoder({ maxObjectBytes, memory });
  for (let round = 0; round < 2; round += 1) {
    decoder.push(encodeTraceReply(new Array(300).fill(object)));
    const batch = decoder.take()!;
    expect(readBatches([batch])).toEqual(new Array(300).fill(asRead(plain)));
    batch.release();
  }
  const tables = taken.mock.results.map(({ value }) => value);
  expect(tables.map(({ length }) => length / columns)).toEqual([32, 256, 1_024, 1_024]);
  expect(new Set(tables).size).toBe(3);
  const back = givenBack.mock.calls.map(([table]) => table).filter(({ length }) => length > 0);
  expect(back).toEqual(tables);
});

test.each([100, 10_000, 40_960, 557_057, 1_000_000])(
  "memory of %i bytes is allocated each time: it is too small or too large to keep",
  (bytes) => {
    const memory = new SpareMemory();
    const first = memory.take(bytes);
    expect(first.length).toBe(bytes);
    memory.giveBack(first);
    expect(memory.take(bytes)).not.toBe(first);
  },
);

test.each([
  [100_000, 2_048],
  [300_000, 602],
])("with pieces of %i bytes at most %i are kept", (bytes, most) => {
  const memory = new SpareMemory();
  const taken = new Set(Array.from({ length: most + 2 }, () => memory.take(bytes)));
  for (const piece of taken) memory.giveBack(piece);
  const again = Array.from({ length: most + 2 }, () => memory.take(bytes)).filter((piece) =>
    taken.has(piece),
  );
  expect(again).toHaveLength(most);
});

test("each size is kept separately", () => {
  const memory = new SpareMemory();
  const [small, large] = [memory.take(100_000), memory.take(300_000)];
  memory.giveBack(small);
  memory.giveBack(large);
  expect(memory.take(300_000)).toBe(large);
  expect(memory.take(300_000)).not.toBe(small);
  expect(memory.take(100_000)).toBe(small);
});

test("the rest of an unfinished object uses little memory until more of it arrives", () => {
  const memory = new SpareMemory();
  const decoder = new TraceReplyDecoder({ maxObjectBytes, memory });
  const taken = vi.spyOn(memory, "take");
  decoder.push(Buffer.concat([numbered(1).reply, numbered(2).reply.subarray(0, 1_000)]));
  decoder.take();
  expect(taken.mock.calls.at(-1)![0]).toBeLessThanOrEqual(2_000);
  decoder.push(numbered(2).reply.subarray(1_000));
  expect(readBatches([decoder.take()!])).toEqual([asRead(numbered(2).object)]);
});

test("memory unused since the last release is released, however much was used before", () => {
  const memory = new SpareMemory();
  const use = (count: number) => {
    const taken = Array.from({ length: count }, () => memory.take(100_000));
    for (const piece of taken) memory.giveBack(piece);
    return new Set(taken);
  };
  const busy = use(10);
  memory.releaseUnused();
  use(4);
  expect(use(10)).toEqual(busy);
  memory.releaseUnused();
  use(4);
  memory.releaseUnused();
  const kept = [...use(10)].filter((piece) => busy.has(piece));
  expect(kept).toHaveLength(4);
  memory.releaseUnused();
  memory.releaseUnused();
  memory.releaseUnused();
  expect([...use(10)].filter((piece) => kept.includes(piece))).toEqual([]);
});

test("unused tables are released as well", () => {
  const memory = new SpareMemory();
  const table = memory.takeTable(100);
  memory.giveBackTable(table);
  memory.releaseUnused();
  expect(memory.takeTable(100)).toBe(table);
  memory.giveBackTable(table);
  memory.releaseUnused();
  memory.releaseUnused();
  expect(memory.takeTable(100)).not.toBe(table);
});

test("the contents of a batch stay the same until it is released, whatever happens to others", () => {
  const schedule = fc.array(fc.record({ decoder: fc.nat(2), released: fc.option(fc.nat()) }), {
    maxLength: 60,
  });
  const run = fc.property(schedule, (steps) => {
    const memory = new SpareMemory();
    const decoders = Array.from({ length: 3 }, () => new TraceReplyDecoder({ maxObjectBytes, memory }));
    const living: { seq: number; batch: ReceivedBatch }[] = [];
    for (const [seq, { decoder, released }] of steps.entries()) {
      decoders[decoder]!.push(numbered(seq).reply);
      living.push({ seq, batch: decoders[decoder]!.take()! });
      if (released !== null) living.splice(released % living.length, 1)[0]!.batch.release();
    }
    for (const { seq, batch } of living) {
      expect(readBatches([batch])).toEqual([asRead(numbered(seq).object)]);
      expect(linesOf([batch])).toBe(asLine(numbered(seq).object));
    }
  });
  fc.assert(run, { numRuns: 50 });
});

test("a released batch cannot be read, and releasing it again changes nothing", () => {
  const decoder = new TraceReplyDecoder({ maxObjectBytes });
  decoder.push(numbered(1).reply);
  const first = decoder.take()!;
  first.release();
  first.release();
  decoder.push(numbered(2).reply);
  decoder.push(numbered(3).reply.subarray(0, 10));
  const second = decoder.take()!;
  expect(() => first.machineLines()).toThrow("released");
  expect(() => first.host(0)).toThrow("released");
  expect(linesOf([second])).toBe(asLine(numbered(2).object));
});
