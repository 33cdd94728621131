import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { encodeBlock, encodeFileHeader } from "../../src/recording/block.js";
import { type Frame, FrameBuffer } from "../../src/recording/frame.js";
import { ObjectCutter } from "../../src/recording/object-cutter.js";
import { RecordedTraffic } from "../../src/recording/recorded-traffic.js";
import { readRecordingFile, type SkippedBytes } from "../../src/recording/recording-reader.js";
import { KeySpool } from "../../src/verification/key-spool.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-hostile-recording-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function read(...pieces: readonly Uint8Array[]) {
  const file = join(directory, "traffic.rec");
  await writeFile(file, Buffer.concat([encodeFileHeader(), ...pieces]));
  const skipped: SkippedBytes[] = [];
  let frames = 0;
  let mostAtOnce = 0;
  for await (const some of readRecordingFile(file, (bytes) => skipped.push(bytes))) {
    frames += some.length;
    mostAtOnce = Math.max(mostAtOnce, some.length);
  }
  return { frames, skipped, mostAtOnce };
}

function run(frames: readonly Frame[]): Uint8Array {
  const buffer = new FrameBuffer();
  for (const frame of frames) buffer.add(frame);
  return buffer.take();
}

const finished: Frame = { at: 1, kind: "finished" };

/** The header of a block that is none. */
function falseMarker(bytes: number): Buffer {
  const header = Buffer.alloc(16);
  header.write("MBLK", "latin1");
  header.writeUInt32BE(bytes, 4);
  header.writeUInt32BE(1, 8);
  return header;
}

test("a file full of false markers, each with megabytes to check, is read in time that its length explains", async () => {
  const markers = Buffer.concat(new Array(500_000).fill(falseMarker(4 * 2 ** 20)));
  const { frames, skipped } = await read(markers);
  expect(frames).toBe(0);
  expect(skipped).toEqual([expect.objectContaining({ kind: "torn", bytes: markers.length })]);
}, 30_000);

test("a block behind some false markers is found, wherever it begins", async () => {
  const block = await encodeBlock(run([finished]));
  for (const gap of [0, 1, 15, 2 ** 20 - 20, 2 ** 20 - 3, 2 ** 20]) {
    const { frames, skipped } = await read(falseMarker(50), falseMarker(1_000), Buffer.alloc(gap), block);
    expect(frames).toBe(1);
    expect(skipped).toEqual([expect.objectContaining({ kind: "damaged", bytes: 32 + gap })]);
  }
});

test("a small block with very many frames gives some at a time", async () => {
  const block = await encodeBlock(Buffer.concat(new Array(1_000_000).fill(run([finished]))));
  expect(block.length).toBeLessThan(100_000);
  const { frames, mostAtOnce } = await read(block);
  expect(frames).toBe(1_000_000);
  expect(mostAtOnce).toBeLessThan(10_000);
}, 30_000);

test("frames before bytes that are none are read, and the block is reported", async () => {
  const block = await encodeBlock(Buffer.concat([run([finished, finished]), Buffer.from([0x05, 0xff])]));
  const after = await encodeBlock(run([finished]));
  const { frames, skipped } = await read(block, after);
  expect(frames).toBe(3);
  expect(skipped).toEqual([expect.objectContaining({ kind: "damaged", offset: 16, bytes: block.length })]);
});

test("very short replies in long segments are not copied again for each of them", () => {
  const reply = Buffer.from([0x82, 3, 0x81, 0x80]);
  const segment = Buffer.concat(new Array(16_000).fill(reply));
  const before = process.cpuUsage();
  const cutter = new ObjectCutter({ maxObjectBytes: 1_000 });
  let objects = 0;
  for (let piece = 0; piece < 20; piece += 1) for (const _ of cutter.push(segment)) objects += 1;
  expect(objects).toBe(320_000);
  // With a copy of the rest for each it is ten gigabytes.
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2);
});

function bytesFrame(connection: number, offset: number, data: Uint8Array): Frame {
  return { at: 1, kind: "bytes", connection, sender: "opener", offset, data };
}

/** The first bytes of a reply whose object has sixteen megabytes. */
const beginning = encodeSegments(
  "opener",
  miniProtocols.traceObjects,
  Buffer.concat([Buffer.from([0x82, 3, 0x9f, 0x81, 0x5a, 1, 0, 0, 0]), Buffer.alloc(2 ** 20)]),
  0,
);

test("connections whose objects do not end are left out when all together take too much", () => {
  const remarks: string[] = [];
  const traffic = new RecordedTraffic((text) => remarks.push(text));
  for (let connection = 0; connection < 600; connection += 1)
    for (const _ of traffic.push(bytesFrame(connection, 0, beginning)));
  expect(remarks.length).toBeGreaterThan(50);
  expect(remarks.length).toBeLessThan(200);
  expect(remarks[0]).toMatch(/unfinished; the rest of it is left out/);
}, 60_000);

test("more connections at the same time than there can be are left out, with one remark", () => {
  const remarks: string[] = [];
  const traffic = new RecordedTraffic((text) => remarks.push(text));
  for (let connection = 0; connection < 12_000; connection += 1)
    for (const _ of traffic.push(bytesFrame(connection, 0, beginning.subarray(0, 3))));
  expect(remarks).toEqual([expect.stringMatching(/more than 10000 connections/)]);
});

test("a connection that never shows which side is the node is left out", () => {
  const remarks: string[] = [];
  const traffic = new RecordedTraffic((text) => remarks.push(text));
  const handshake = encodeSegments("opener", miniProtocols.handshake, Buffer.alloc(100), 0);
  for (let piece = 0; piece < 2_000; piece += 1)
    for (const _ of traffic.push(bytesFrame(1, piece * handshake.length, handshake)));
  expect(remarks).toEqual([expect.stringMatching(/which side is the node/)]);
});

test("keys of very many connections take little memory, and are read back", async () => {
  await using spool = await KeySpool.open();
  const before = process.memoryUsage().arrayBuffers;
  for (let key = 0; key < 3; key += 1)
    for (let connection = 0; connection < 5_000; connection += 1) await spool.add(`${connection}`, key);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
  const joined = await spool.joined(["17", "4999"]);
  const keys: number[] = [];
  for await (const some of joined.keysFrom(1)) keys.push(...some);
  expect(keys).toEqual([1, 2, 0, 1, 2]);
});

test("keys of so many connections that all are written meanwhile are read back in order", async () => {
  await using spool = await KeySpool.open();
  for (let key = 0; key < 1_300; key += 1)
    for (let connection = 0; connection < 900; connection += 1) {
      if (connection === 0 || key % 10 === 0) await spool.add(`${connection}`, key);
    }
  const joined = await spool.joined(["0", "899"]);
  let next = 0;
  for await (const some of joined.keysFrom(0))
    for (const key of some) {
      if (next < 1_300) expect(key).toBe(next);
      next += 1;
    }
  expect(next).toBe(1_300 + 130);
});
