import { expect, test } from "vitest";
import { sampleOf } from "../../../src/metrics/node/sample.js";

test.each([
  ["0.5", "0.5"],
  [" 12 ", "12"],
  ["-1.5e-3", "-1.5e-3"],
  ["+.5E+2", "+.5E+2"],
  ["NaN", "NaN"],
  ["Infinity", "+Inf"],
  ["-Infinity", "-Inf"],
  ["1e999", "+Inf"],
  ["-1e999", "-Inf"],
  ["1e-999", "1e-999"],
])("the text %j is the number %s", (value, written) => {
  expect(sampleOf(value)).toEqual({ kind: "gauge", labels: [], value: written });
});

test.each([
  ['{a="1"} 1', "info", [["a", "1"]], "1"],
  [
    '{a="1",b="two words"}',
    "info",
    [
      ["a", "1"],
      ["b", "two words"],
    ],
    "1",
  ],
  [
    '{ a = "1" , b="2", } 1.0',
    "info",
    [
      ["a", "1"],
      ["b", "2"],
    ],
    "1.0",
  ],
  ['{a="q\\"b\\\\n\\n"} 1', "info", [["a", 'q"b\\n\n']], "1"],
  ['{a="}{,="} 1', "info", [["a", "}{,="]], "1"],
  ['{a="1"} 2.5', "gauge", [["a", "1"]], "2.5"],
  ['{a="\\\\n\\\\\\"\\n"} 1', "info", [["a", '\\n\\"\n']], "1"],
  ["{} 1", "info", [], "1"],
  ['{a="line\nfeed"} 1', "info", [["a", "line\nfeed"]], "1"],
] as const)("the text %j has labels", (value, kind, labels, number) => {
  expect(sampleOf(value)).toEqual({ kind, labels, value: number });
});

test.each([
  "some text",
  "",
  "{",
  "{a}",
  '{a="1"',
  '{a="1"} one',
  '{a="1"} 1 2',
  '{a="1" b="2"} 1',
  '{a="1",a="2"} 1',
  "{,} 1",
  '{a="un"quoted"} 1',
  '{a="bad \\escape"} 1',
  '{a="end\\',
  '{__name__="x"} 1',
  '{__meta="x"} 1',
  '{1a="x"} 1',
  '{"json":"object"}',
  "1_000",
  "0x10",
  "1,5",
])("the text %j becomes the label value", (value) => {
  expect(sampleOf(value)).toEqual({ kind: "info", labels: [["value", value]], value: "1" });
});

test("a text of megabytes is read without overflowing the stack", () => {
  const long = "\\n".repeat(10_000_000);
  expect(sampleOf(`{a="${long}`).labels[0]?.[0]).toBe("value");
  expect(sampleOf(`{a="${long}"} 1`).labels[0]?.[1].length).toBe(10_000_000);
});
