import { expect, test } from "vitest";
import { RequestTurns } from "../../src/http/request-turns.js";

test("sixty-four requests begin in a turn of the event loop, and the rest after them in the order they came", async () => {
  const turns = new RequestTurns();
  const begun: number[][] = [[]];
  for (let request = 0; request < 200; request += 1)
    if (turns.mayBegin(() => begun.at(-1)!.push(request))) begun[0]!.push(request);
  for (let turn = 0; turn < 6; turn += 1) {
    begun.push([]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const each = begun.filter(({ length }) => length > 0);
  expect(each.map(({ length }) => length)).toEqual([64, 64, 64, 8]);
  expect(each.flat()).toEqual(Array.from({ length: 200 }, (_, request) => request));
  expect(turns.mayBegin(() => {})).toBe(true);
});

test("one that comes while others wait does not begin before them", async () => {
  const turns = new RequestTurns();
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
