import { crc32 as crcOfZlib } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32 } from "../../src/base/crc32.js";
import {
  blockHeaderBytes,
  decodeBlock,
  encodeBlock,
  encodeFileHeader,
  payloadBytes,
  readFileHeader,
} from "../../src/recording/block.js";
import { decodeFrames, type Frame, FrameBuffer } from "../../src/recording/frame.js";

test("the CRC of the standard's check string matches the standard", () => {
  expect(crc32(Buffer.from("123456789"))).toBe(0xcbf43926);
});

test.runIf(typeof crcOfZlib === "function")("the CRC of any bytes matches zlib's", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(fc.property(bytes, (whole) => crc32(whole) === crcOfZlib(whole)));
  const inPieces = (one: Uint8Array, other: Uint8Array) =>
    crc32(other, crc32(one)) === crcOfZlib(Buffer.concat([one, other]));
  fc.assert(fc.property(bytes, bytes, inPieces));
});

const frames: Frame[] = [
  { kind: "begin", at: 0, started: 1_771_234_201_123_456, part: 1, program: "muninn" },
  { kind: "opened", at: 5, connection: 1, opener: "10.0.0.7:41234", listener: "/run/tracer.sock" },
  { kind: "bytes", at: 6, connection: 1, sender: "opener", offset: 0, data: Buffer.from([0, 255, 10]) },
  { kind: "bytes", at: 6, connection: 1, sender: "listener", offset: 2 ** 40, data: Buffer.alloc(0) },
  { kind: "gap", at: 7, bytes: 2 ** 33, reason: "no space" },
  { kind: "ended", at: 8, connection: 1, sender: "listener" },
  { kind: "closed", at: 9, connection: 1 },
  { kind: "finished", at: 2 ** 45 },
];

function encoded(): Uint8Array {
  const buffer = new FrameBuffer();
  for (const frame of frames) buffer.add(frame);
  return buffer.take();
}

test("frames of every kind are read back unchanged", () => {
  expect([...decodeFrames(encoded())]).toEqual(frames);
});

test("a frame of a kind from a later version is skipped", () => {
  // Field 15, empty, in a frame of two bytes.
  const unknown = Buffer.from([2, (15 << 3) | 2, 0]);
  expect([...decodeFrames(Buffer.concat([unknown, encoded(), unknown]))]).toEqual(frames);
});

test("a block returns its frames", async () => {
  const block = Buffer.from(await encodeBlock(encoded()));
  expect(payloadBytes(block)).toBe(block.length - blockHeaderBytes);
  expect(decodeBlock(block, block.subarray(blockHeaderBytes))).toEqual(Buffer.from(encoded()));
});

test("a block with any bit of its payload or CRC changed is refused", async () => {
  const block = Buffer.from(await encodeBlock(encoded()));
  for (let bit = 12 * 8; bit < block.length * 8; bit += 1) {
    const changed = Buffer.from(block);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeBlock(changed, changed.subarray(blockHeaderBytes))).toBeUndefined();
  }
});

test("a file header gives its version, and other bytes are not a header", () => {
  const header = Buffer.from(encodeFileHeader());
  expect(readFileHeader(header)).toEqual({ version: 1, supported: true });
  const later = Buffer.from(header);
  later[11] = 2;
  expect(readFileHeader(later)).toEqual({ version: 2, supported: false });
  expect(readFileHeader(Buffer.alloc(16))).toBeUndefined();
  expect(readFileHeader(header.subarray(0, 15))).toBeUndefined();
});
