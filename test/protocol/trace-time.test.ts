import { expect, test } from "vitest";
import { momentAt } from "../../src/protocol/trace-time.js";
import { hex } from "./streams.js";

const text = (value: string) => `c0 78 ${value.length.toString(16)} ${Buffer.from(value).toString("hex")}`;

test.each<[string, string, number, number]>([
  [
    "all that a forwarder sends",
    "d9 03e8 a2 01 1a 6992e2a9 2b 1b 0000001cbe991a14",
    1_771_233_961,
    123_456_789_012,
  ],
  ["no picoseconds", "d9 03e8 a2 01 01 2b 00", 1, 0],
  ["the last picosecond", "d9 03e8 a2 01 01 2b 1b 000000e8d4a50fff", 1, 999_999_999_999],
  ["a second of picoseconds", "d9 03e8 a2 01 01 2b 1b 000000e8d4a51000", 2, 0],
  ["most picoseconds", "d9 03e8 a2 01 00 2b 1b ffffffffffffffff", 18_446_744, 73_709_551_615],
  ["seconds before 1970", "d9 03e8 a2 01 20 2b 1a 3b9aca00", -1, 1_000_000_000],
  ["more than a second after seconds before 1970", "d9 03e8 a2 01 21 2b 1b 000000e8d4a51001", -1, 1],
  ["longer heads", "db 00000000000003e8 b802 1801 1801 38 0b 1805", 1, 5],
  ["a number", "c1 05", 5, 0],
  ["a negative number", "c1 20", -1, 0],
  ["half a second", "c1 f9 3800", 0, 500_000_000_000],
  ["a text before 1970", text("1969-12-31T23:59:58.5Z"), -2, 500_000_000_000],
  ["a text to the picosecond", text("1970-01-01T00:00:00.123456789012Z"), 0, 123_456_789_012],
])("%s", (_, bytes, seconds, picoseconds) => {
  expect(momentAt(hex(bytes), 0)).toEqual({ seconds, picoseconds });
});
