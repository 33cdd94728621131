import { expect, test } from "vitest";
import { LineSearch } from "../../src/tail/line-search.js";
import { machineLine } from "../../src/tail/traced-line.js";

const place = { node: "a", fallbackAt: 0n };

test("an expression that takes for ever on a line is stopped, and the other lines are found", () => {
  const hostile = machineLine(`${"a".repeat(60)}!`, place);
  const search = new LineSearch("(a+)+b");
  const lines = [machineLine("ab", place), hostile, machineLine("aab", place)];
  expect(search.matching(lines).map(({ text }) => text)).toEqual(["ab", "aab"]);
});

test("one that does so again and again is given up with a sentence", () => {
  const hostile = machineLine(`${"a".repeat(60)}!`, place);
  const search = new LineSearch("(a+)+b", 20);
  const fault = { code: "usage", message: expect.stringMatching(/takes too long .* use a simpler pattern/) };
  expect(() => search.matching(Array.from({ length: 20 }, () => hostile))).toThrow(
    expect.objectContaining(fault),
  );
});

test("what is no regular expression is said so", () => {
  const fault = { code: "usage", message: expect.stringMatching(/--grep: .*\(a/) };
  expect(() => new LineSearch("(a")).toThrow(expect.objectContaining(fault));
});

test("of an object with text for people both texts are looked at", () => {
  const line = { ...machineLine("{}", place), human: "Chain extended" };
  expect(new LineSearch("^Chain").matching([line])).toEqual([line]);
});
