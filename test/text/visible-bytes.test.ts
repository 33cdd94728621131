import fc from "fast-check";
import { expect, test } from "vitest";
import { VisibleBytes } from "../../src/text/visible-bytes.js";
import { visibleLines } from "../../src/text/visible-text.js";

const lineFeed = Buffer.from("\n  ");
const most = 65_536;

/** The texts, one after another. */
function shown(given: string | readonly string[], escapes: boolean): string {
  const visible = new VisibleBytes({ escapes, most });
  return [given].flat().reduce((before, text) => {
    const bytes = Buffer.from(text, "utf8");
    const room = visible.mostBytes(bytes.length);
    const written = Buffer.alloc(room + 4);
    const end = visible.write(bytes, lineFeed, written, 2);
    expect(end).toBeLessThanOrEqual(2 + room);
    return before + written.toString("utf8", 2, end);
  }, "");
}

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

test("of more controls and line feeds than messages have each byte of the rest is a space", () => {
  expect(shown(`${"\u001b".repeat(most)}\u001b\n\u202e\u0085x`, true)).toBe(
    `${"\\x1b".repeat(most)}       x`,
  );
  expect(shown(`${"\n".repeat(most)}\n\u001b`, false)).toBe(`${"\n  ".repeat(most)} \u001b`);
});

test("the limit is for all texts together", () => {
  const texts = ["\u001b".repeat(most - 1), "\u001b\u001b", "a\nb"];
  expect(shown(texts, true)).toBe(`${"\\x1b".repeat(most)} a b`);
});
