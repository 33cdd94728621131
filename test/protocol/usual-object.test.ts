import fc from "fast-check";
import { expect, test } from "vitest";
import { columns } from "../../src/protocol/object-fields.js";
import { ObjectScanner } from "../../src/protocol/object-scanner.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { passUsualObject, unusual } from "../../src/protocol/usual-object.js";
import { maxObjectBytes } from "./streams.js";
import { anyTraceObject } from "./trace-replies.js";
import { expectedObjects, objectCases } from "./vectors.js";

/** As in the middle of a reply, with other objects before and after. */
const before = 7;
const behind = Buffer.alloc(64, 0x89);

function surrounded(object: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.alloc(before, 0x89), object, behind]);
}

function passed(bytes: Uint8Array, end: number, fields: Int32Array): number {
  const { buffer, byteOffset, byteLength } = bytes;
  return passUsualObject(bytes, new DataView(buffer, byteOffset, byteLength), before, end, fields, 0);
}

function usualRow(bytes: Uint8Array): { end: number; row: number[] } {
  const fields = new Int32Array(columns);
  const end = passed(bytes, bytes.length, fields);
  return { end, row: [...fields] };
}

function scannedRow(bytes: Uint8Array): { end: number; row: number[] } {
  const fields = new Int32Array(columns);
  const scanner = new ObjectScanner({ maxObjectBytes });
  scanner.begin(before);
  const end = scanner.scan(bytes, bytes.length, fields, 0);
  return { end, row: [...fields] };
}

test("the fast path handles most of what real forwarders send, odd cases included", () => {
  const objects = objectCases.flatMap(expectedObjects);
  const usual = objects.filter((object) => usualRow(surrounded(encodeTraceObject(object))).end !== unusual);
  expect(usual.length / objects.length).toBeGreaterThan(0.6);
});

test("the fast path finds an object as the scanner does", () => {
  const run = fc.property(anyTraceObject, (object) => {
    const bytes = surrounded(encodeTraceObject(object));
    const usual = usualRow(bytes);
    if (usual.end !== unusual) expect(usual).toEqual(scannedRow(bytes));
  });
  fc.assert(run, { numRuns: 300 });
});

const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });

test("the fast path accepts nothing that the scanner refuses or reads differently", () => {
  const objects = objectCases.flatMap(expectedObjects).map(encodeTraceObject);
  const short = objects.filter(({ length }) => length < 1_000);
  let taken = 0;
  const run = fc.property(fc.constantFrom(...short), changes, (object, places) => {
    const bytes = surrounded(object);
    for (const [place, byte] of places) bytes[before + (place % object.length)] = byte;
    const usual = usualRow(bytes);
    if (usual.end === unusual) return;
    taken += 1;
    expect(usual).toEqual(scannedRow(bytes));
  });
  fc.assert(run, { numRuns: 3_000 });
  expect(taken).toBeGreaterThan(0);
});

test("the fast path rejects an incomplete object", () => {
  const bytes = surrounded(encodeTraceObject(expectedObjects("small-session")[0]!));
  for (let end = before; end < bytes.length - behind.length; end += 1) {
    expect(passed(bytes, end, new Int32Array(columns))).toBe(unusual);
  }
});
