import fc from "fast-check";
import { expect, test } from "vitest";
import { visibleBytes } from "../../src/text/visible-bytes.js";
import { visibleLines } from "../../src/text/visible-text.js";

const lineFeed = Buffer.from("\n  ");
const shown = (text: string, escapes: boolean) =>
  Buffer.from(visibleBytes(Buffer.from(text, "utf8"), { lineFeed, escapes })).toString("utf8");

/** Any text, and many of the characters that terminals obey, with their neighbours. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc
      .oneof(fc.nat(0x100), fc.integer({ min: 0x610, max: 0x620 }), fc.integer({ min: 0x2000, max: 0x2080 }))
      .map((code) => String.fromCodePoint(code)),
  }),
);

test("bytes are escaped as their text is", () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(shown(text, true)).toBe(visibleLines(text).replaceAll("\n", "\n  "));
    }),
  );
});

test("without escapes only line feeds are replaced", () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(shown(text, false)).toBe(text.replaceAll("\n", "\n  "));
    }),
  );
});

test("of more controls and line feeds than a message has each byte of the rest is a space", () => {
  const most = 65_536;
  expect(shown(`${"\u001b".repeat(most)}\u001b\n\u202ex`, true)).toBe(`${"\\x1b".repeat(most)}     x`);
  expect(shown(`${"\n".repeat(most)}\n\u001b`, false)).toBe(`${"\n  ".repeat(most)} \u001b`);
});
