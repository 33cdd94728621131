import { expect, test } from "vitest";
import { LineLimit } from "../../../src/sinks/forwarding/line-limit.js";

test("twenty lines a minute are written, and the next one says how many were left out", () => {
  let now = 0;
  const lines = new LineLimit(() => now);
  const written: string[] = [];
  for (let line = 0; line < 100; line += 1) lines.log((before) => written.push(before));
  expect(written).toEqual(new Array(20).fill(""));
  now = 59_999;
  lines.log((before) => written.push(before));
  expect(written).toHaveLength(20);
  now = 60_000;
  lines.log((before) => written.push(before));
  lines.log((before) => written.push(before));
  expect(written.slice(20)).toEqual([" (81 like it before were left out)", ""]);
});
