import { expect, test } from "vitest";
import { isAscii } from "../../src/protocol/sound-text.js";

test.each([0, 1, 3, 4, 5, 8, 30])(
  "a text of %i bytes is ASCII unless one of its own bytes is not",
  (length) => {
    const start = 5;
    const bytes = new Uint8Array(start + length + 5);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += 1) {
      bytes.fill(0x7f).fill(0x80, at, at + 1);
      expect(isAscii(view, start, start + length)).toBe(at < start || at >= start + length);
    }
  },
);
