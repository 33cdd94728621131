import { expect, test } from "vitest";
import { RequestTurns } from "../../src/http/request-turns.js";

test("sixty-four requests begin in a turn of the event loop, and the rest after them in the order they came", async () => {
  const turns = new RequestTurns({ now: () => 0 });
  const begun: number[][] = [[]];
  for (let request = 0; request < 200; request += 1)
    if (turns.mayBegin(() => begun.at(-1)!.push(request))) begun[0]!.push(request);
  for (let turn = 0; turn < 80; turn += 1) {
    begun.push([]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const each = begun.filter(({ length }) => length > 0);
  expect(each.map(({ length }) => length)).toEqual([64, 64, 64, 8]);
  expect(each.flat()).toEqual(Array.from({ length: 200 }, (_, request) => request));
  expect(turns.mayBegin(() => {})).toBe(true);
});

test("one that comes while others wait does not begin before them", async () => {
  const turns = new RequestTurns({ now: () => 0 });
  const begun: string[] = [];
  for (let request = 0; request < 64; request += 1) turns.mayBegin(() => {});
  expect(turns.mayBegin(() => begun.push("first"))).toBe(false);
  await new Promise((resolve) => {
    expect(turns.mayBegin(() => begun.push("second"))).toBe(false);
    setImmediate(resolve);
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(["first", "second"]);
});

test.each<[string, (work: () => void) => unknown]>([
  ["at once", (work) => work()],
  [
    "in promises",
    async (work) => {
      for (let step = 0; step < 20; step += 1) await undefined;
      work();
    },
  ],
])("requests that take long %s begin in more turns, at least one in each", async (_, run) => {
  let now = 0;
  const turns = new RequestTurns({ now: () => now });
  const begun: number[] = [0];
  const begin = (milliseconds: number) => () => {
    begun[begun.length - 1]! += 1;
    run(() => {
      now += milliseconds;
    });
  };
  expect(turns.mayBegin(() => {})).toBe(true);
  now += 6;
  for (const milliseconds of [30, 30, 2, 2, 2, 2]) expect(turns.mayBegin(begin(milliseconds))).toBe(false);
  for (let turn = 0; turn < 80; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    begun.push(0);
  }
  expect(begun.filter((count) => count > 0)).toEqual([1, 1, 3, 1]);
});
