import { expect, test } from "vitest";
import { LineSearch } from "../../src/tail/line-search.js";
import { machineLine } from "../../src/tail/traced-line.js";

const place = { node: "a", fallbackAt: 0n };

test("an expression that never ends on a line is stopped, and the other lines are found", () => {
  const hostile = machineLine(`${"a".repeat(60)}!`, place);
  const search = new LineSearch("(a+)+b");
  const lines = [machineLine("ab", place), hostile, machineLine("aab", place)];
  expect(search.matching(lines).map(({ text }) => text)).toEqual(["ab", "aab"]);
});

test("an expression that is repeatedly too slow is given up with one sentence", () => {
  const hostile = machineLine(`${"a".repeat(60)}!`, place);
  const search = new LineSearch("(a+)+b", 20);
  const fault = { code: "usage", message: expect.stringMatching(/takes too long .* use a simpler pattern/) };
  expect(() => search.matching(Array.from({ length: 20 }, () => hostile))).toThrow(
    expect.objectContaining(fault),
  );
});

test("an invalid regular expression is reported as such", () => {
  const fault = { code: "usage", message: expect.stringMatching(/--grep: .*\(a/) };
  expect(() => new LineSearch("(a")).toThrow(expect.objectContaining(fault));
});

test("both texts of an object with text for people are searched", () => {
  const line = { ...machineLine("{}", place), human: "Chain extended" };
  expect(new LineSearch("^Chain").matching([line])).toEqual([line]);
});
