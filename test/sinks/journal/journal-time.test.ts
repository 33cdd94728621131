import { expect, test } from "vitest";
import { JournalTime } from "../../../src/sinks/journal/journal-time.js";

function textOf(time: JournalTime, seconds: number, picoseconds = 0): string {
  const into = Buffer.alloc(64, "?");
  return into.toString("latin1", 2, time.write(into, 2, { seconds, picoseconds }));
}

test.each([
  [1_771_234_201, 0, "2026-02-16 09:30:01.000000000000Z"],
  [1_771_234_201, 123_456_700_000, "2026-02-16 09:30:01.123456700000Z"],
  [1_771_234_201, 123_456_789_012, "2026-02-16 09:30:01.123456789012Z"],
  [1_771_234_201, 1_000_000, "2026-02-16 09:30:01.000001000000Z"],
  [1_771_234_201, 999_999, "2026-02-16 09:30:01.000000999999Z"],
  [0, 0, "1970-01-01 00:00:00.000000000000Z"],
  [-1, 999_999_999_999, "1969-12-31 23:59:59.999999999999Z"],
  [951_782_400, 0, "2000-02-29 00:00:00.000000000000Z"],
  [-62_167_219_200, 0, "0000-01-01 00:00:00.000000000000Z"],
  [-62_167_219_201, 0, "-0001-12-31 23:59:59.000000000000Z"],
  [253_402_300_800, 0, "10000-01-01 00:00:00.000000000000Z"],
  [9_000_000_000_000, 0, "287168-08-24 16:00:00.000000000000Z"],
])("%s s and %s ps since 1970 are %s", (seconds, picoseconds, text) => {
  expect(textOf(new JournalTime(), seconds, picoseconds)).toBe(text);
});

test("a time takes its second from itself, not from the previous time", () => {
  const time = new JournalTime();
  expect([1, 2, 1].map((seconds) => textOf(time, seconds).slice(17, 19))).toEqual(["01", "02", "01"]);
});
