import { expect, test } from "vitest";
import { visibleLines, visibleText } from "../../src/text/visible-text.js";

test.each([
  ["\u001b[31mred", "\\x1b[31mred"],
  ["\u001b]0;title\u0007", "\\x1b]0;title\\x07"],
  ["one\rtwo", "one\\x0dtwo"],
  ["one\ntwo", "one\\x0atwo"],
  ["\u009b2J", "\\x9b2J"],
  ["abc\u202edcba", "abc\\u202edcba"],
  ["\u061c\u2066", "\\u061c\\u2066"],
  ["tab\tstays", "tab\tstays"],
  ["ünï 日本 👍", "ünï 日本 👍"],
])("%j is shown as %j", (text, shown) => {
  expect(visibleText(text)).toBe(shown);
});

test("several lines keep their line feeds, and no other control characters", () => {
  expect(visibleLines("a\n\u001bb\r\nc")).toBe("a\n\\x1bb\\x0d\nc");
});
