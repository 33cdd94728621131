import fc from "fast-check";
import { expect, test } from "vitest";
import { KnownTexts } from "../../src/protocol/known-texts.js";

/** Finds a text in the middle of other bytes. */
function find(known: KnownTexts, text: Uint8Array): string | undefined {
  const bytes = Buffer.concat([Buffer.from([0xff, 0x82]), text, Buffer.from([0xff])]);
  return known.find(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 2, 2 + text.length);
}

const someName = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 128 });
const name = fc.string({ unit: "binary-ascii", maxLength: 128 });

test("texts of at most 128 ASCII characters are read unchanged, the first time and later", () => {
  const known = new KnownTexts();
  fc.assert(
    fc.property(fc.array(name), (texts) => {
      for (const text of [...texts, ...texts]) expect(find(known, Buffer.from(text))).toBe(text);
    }),
  );
});

test("texts that differ in one character are distinguished", () => {
  const known = new KnownTexts();
  fc.assert(
    fc.property(someName, fc.nat(), fc.nat(0x7f), (text, index, other) => {
      const bytes = Buffer.from(text);
      expect(find(known, bytes)).toBe(text);
      bytes[index % bytes.length] = other;
      expect(find(known, bytes)).toBe(bytes.toString());
      expect(find(known, bytes.subarray(0, -1))).toBe(bytes.toString("latin1", 0, bytes.length - 1));
    }),
  );
});

test("thousands of texts that differ only in their last four characters are never confused", () => {
  const known = new KnownTexts();
  for (let n = 0; n < 10_000; n += 1) {
    const text = `cardano.node.metric.${n.toString().padStart(4, "0")}`;
    expect(find(known, Buffer.from(text))).toBe(text);
  }
});

test("more texts than are remembered are still read unchanged", () => {
  const known = new KnownTexts();
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 20_000; index += 1) {
      const text = `Forge.metric-${index}.int`;
      expect(find(known, Buffer.from(text))).toBe(text);
    }
  }
});

test("a byte that is not ASCII is found at any position", () => {
  const known = new KnownTexts();
  fc.assert(
    fc.property(someName, fc.nat(), fc.integer({ min: 0x80, max: 0xff }), (text, index, byte) => {
      const bytes = Buffer.from(text);
      bytes[index % bytes.length] = byte;
      expect(find(known, bytes)).toBeUndefined();
    }),
  );
});

test.each([129, 1_000])("a text of %i bytes is not remembered", (length) => {
  expect(find(new KnownTexts(), Buffer.alloc(length, "a"))).toBeUndefined();
});
