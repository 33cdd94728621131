import { expect, test } from "vitest";
import { JournalTime } from "../../../src/sinks/journal/journal-time.js";

const second = 10n ** 12n;

test.each([
  [1_771_234_201n * second, "2026-02-16 09:30:01.000000000000Z"],
  [1_771_234_201n * second + 123_456_700_000n, "2026-02-16 09:30:01.123456700000Z"],
  [1_771_234_201n * second + 123_456_789_012n, "2026-02-16 09:30:01.123456789012Z"],
  [0n, "1970-01-01 00:00:00.000000000000Z"],
  [-1n, "1969-12-31 23:59:59.999999999999Z"],
  [951_782_400n * second, "2000-02-29 00:00:00.000000000000Z"],
  [-62_167_219_200n * second, "0000-01-01 00:00:00.000000000000Z"],
  [-62_167_219_201n * second, "-0001-12-31 23:59:59.000000000000Z"],
  [253_402_300_800n * second, "10000-01-01 00:00:00.000000000000Z"],
  [9_000_000_000_000n * second, "287168-08-24 16:00:00.000000000000Z"],
])("%s ps since 1970 are %s", (picoseconds, text) => {
  expect(new JournalTime().text(picoseconds)).toBe(text);
});

test("a time takes its second from itself, not from the one before", () => {
  const time = new JournalTime();
  const texts = [1n, 2n, 1n].map((seconds) => time.text(seconds * second).slice(17, 19));
  expect(texts).toEqual(["01", "02", "01"]);
});
