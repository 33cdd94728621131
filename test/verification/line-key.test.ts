import fc from "fast-check";
import { expect, test } from "vitest";
import { lineKey } from "../../src/verification/line-key.js";

function keyOf(text: string): number {
  const bytes = Buffer.from(text);
  return lineKey(bytes, 0, bytes.length);
}

test("the key of a line does not depend on its position", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 9 }), (text, before) => {
      const bytes = Buffer.from(text);
      const moved = Buffer.concat([Buffer.alloc(before, 120), bytes, Buffer.from("after")]);
      expect(lineKey(moved, before, before + bytes.length)).toBe(keyOf(text));
    }),
  );
});

test("changing any single bit of a line changes its key", () => {
  const bytes = Buffer.from('{"at":"2026-02-16T09:30:01.1234567Z","ns":"A.B","data":{"n":12345}}');
  const key = lineKey(bytes, 0, bytes.length);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(lineKey(changed, 0, changed.length)).not.toBe(key);
  }
});

test("200,000 lines that differ only in a number have 200,000 keys", () => {
  const keys = new Set(Array.from({ length: 200_000 }, (_, index) => keyOf(`{"node":"n","seq":${index}}`)));
  expect(keys.size).toBe(200_000);
});

test("keys are whole numbers that a double holds exactly", () => {
  fc.assert(fc.property(fc.string(), (text) => Number.isSafeInteger(keyOf(text)) && keyOf(text) >= 0));
});
