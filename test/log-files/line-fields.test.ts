import { expect, test } from "vitest";
import { lineFields, lineNamespace, lineText, lineTime } from "../../src/log-files/line-fields.js";

test.each([
  ["today's form", "2026-02-16T09:30:01.1234567Z", { seconds: 1_771_234_201, picoseconds: 123_456_700_000 }],
  [
    "older nodes' form",
    "2026-02-16 09:30:01.5 UTC",
    { seconds: 1_771_234_201, picoseconds: 500_000_000_000 },
  ],
  ["whole seconds", "2026-02-16T09:30:01Z", { seconds: 1_771_234_201, picoseconds: 0 }],
  [
    "more digits than picoseconds",
    "2026-02-16T09:30:01.1234567890129Z",
    { seconds: 1_771_234_201, picoseconds: 123_456_789_012 },
  ],
  ["another zone", "2026-02-16T09:30:01+01:00", undefined],
  ["no day of the calendar", "2026-13-16T09:30:01Z", undefined],
  ["a number", 1_771_234_201, undefined],
] as const)("a time is read from %s", (_, at, time) => {
  expect(lineTime(at)).toEqual(time);
});

test("a namespace is one text or a list; what is not an object has no fields", () => {
  expect(lineNamespace("ChainDB.AddBlockEvent")).toEqual(["ChainDB.AddBlockEvent"]);
  expect(lineNamespace(["ChainDB", 1])).toEqual(["ChainDB", ""]);
  expect(lineNamespace(7)).toEqual([]);
  for (const line of ["", "{", "null", "7", '"text"']) expect(lineText(lineFields(line).host)).toBe("");
  expect(lineFields('{"host":"h"}')).toEqual({ host: "h" });
});
