import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Frame } from "../../src/recording/frame.js";
import type { PartHandle } from "../../src/recording/part-file.js";
import { findParts } from "../../src/recording/part-names.js";
import { RecordingError } from "../../src/recording/recording-error.js";
import { readRecordingFile, type SkippedBytes } from "../../src/recording/recording-reader.js";
import { type RecordingOptions, RecordingWriter } from "../../src/recording/recording-writer.js";

let directory: string;
let path: string;
let troubles: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-recording-"));
  path = join(directory, "traffic.rec");
  troubles = [];
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function openWriter(options: Partial<RecordingOptions> = {}): Promise<RecordingWriter> {
  return await RecordingWriter.open({ path, onTrouble: (text) => troubles.push(text), ...options });
}

async function read(file: string): Promise<{ frames: Frame[]; skipped: SkippedBytes[] }> {
  const frames: Frame[] = [];
  const skipped: SkippedBytes[] = [];
  for await (const block of readRecordingFile(file, (bytes) => skipped.push(bytes))) frames.push(...block);
  return { frames, skipped };
}

function withoutTime(frames: readonly Frame[]): object[] {
  return frames.map(({ at: _, ...frame }) =>
    frame.kind === "begin" ? { kind: "begin", part: frame.part } : frame,
  );
}

/** Bytes that deflate hardly shortens. */
function noise(length: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    }),
  );
}

const first = { connection: 1, opener: "a node", listener: "a tracer" };

test("a recording is read back in order, with times that never go back", async () => {
  const writer = await openWriter();
  writer.opened(first);
  writer.bytes(1, "opener", 0, Buffer.from("hello"));
  writer.bytes(1, "listener", 0, Buffer.from("world"));
  writer.ended(1, "opener");
  writer.closed(1);
  const summary = await writer.stop();
  const { frames, skipped } = await read(path);
  expect(skipped).toEqual([]);
  expect(withoutTime(frames)).toEqual([
    { kind: "begin", part: 1 },
    { kind: "opened", ...first },
    { kind: "bytes", connection: 1, sender: "opener", offset: 0, data: Buffer.from("hello") },
    { kind: "bytes", connection: 1, sender: "listener", offset: 0, data: Buffer.from("world") },
    { kind: "ended", connection: 1, sender: "opener" },
    { kind: "closed", connection: 1 },
    { kind: "finished" },
  ]);
  expect(frames.map(({ at }) => at)).toEqual(frames.map(({ at }) => at).toSorted((a, b) => a - b));
  expect(summary).toEqual({ files: [path], bytesWritten: (await readFile(path)).length, bytesMissing: 0 });
  expect(troubles).toEqual([]);
});

test("a small frame reaches the file without waiting for a full block", async () => {
  const writer = await openWriter({ flushMs: 5 });
  writer.opened(first);
  await vi.waitFor(async () => expect((await read(path)).frames).toHaveLength(2), { timeout: 20_000 });
  await writer.stop();
});

test("stopping twice, or during a stop, gives the same summary", async () => {
  const writer = await openWriter();
  const [one, two] = await Promise.all([writer.stop(), writer.stop()]);
  expect(one).toBe(two);
  expect(await writer.stop()).toBe(one);
});

test("a recording neither overwrites a file nor starts where a later part exists", async () => {
  await writeFile(path, "precious");
  await expect(openWriter()).rejects.toMatchObject({ code: "EEXIST" });
  expect(await readFile(path, "utf8")).toBe("precious");
  await rm(path);
  await writeFile(`${path}.2`, "precious");
  await expect(openWriter()).rejects.toMatchObject({ code: "EEXIST" });
});

test("a recording cut at any byte is readable up to its last complete block, and reports the torn rest once", async () => {
  const writer = await openWriter({ blockBytes: 1 });
  writer.opened(first);
  for (let at = 0; at < 5; at += 1) writer.bytes(1, "opener", at * 20, noise(20, at + 1));
  await writer.stop();
  const bytes = await readFile(path);
  const ends = [16];
  for (let at = 16; at < bytes.length; at = ends.at(-1)!) ends.push(at + 16 + bytes.readUInt32BE(at + 4));
  const whole = (await read(path)).frames;
  // The beginning, the connection, five chunks and the end.
  expect(whole).toHaveLength(8);
  const cut = join(directory, "cut");
  for (let length = 0; length <= bytes.length; length += 1) {
    await writeFile(cut, bytes.subarray(0, length));
    const { frames, skipped } = await read(cut);
    const blocks = Math.max(0, ends.filter((end) => end <= length).length - 1);
    expect(frames).toEqual(whole.slice(0, blocks));
    const lastEnd = ends.findLast((end) => end <= length) ?? 0;
    const torn = { file: cut, kind: "torn", offset: lastEnd, bytes: length - lastEnd };
    const isWhole = length === lastEnd && length >= 16;
    expect(skipped).toEqual(isWhole ? [] : [torn]);
  }
});

test("a damaged block in the middle is skipped, reported once, and the rest is read", async () => {
  const writer = await openWriter({ blockBytes: 1 });
  for (let at = 0; at < 3; at += 1) writer.bytes(1, "opener", at * 20, noise(20, at + 1));
  await writer.stop();
  const bytes = await readFile(path);
  const whole = (await read(path)).frames;
  const secondBlock = 16 + 16 + bytes.readUInt32BE(16 + 4);
  const thirdBlock = secondBlock + 16 + bytes.readUInt32BE(secondBlock + 4);
  for (let at = secondBlock; at < thirdBlock; at += 1) {
    // The CRC does not cover the length before inflating, but a wrong one is still found.
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x01;
    await writeFile(path, damaged);
    const { frames, skipped } = await read(path);
    expect(frames).toEqual([...whole.slice(0, 1), ...whole.slice(2)]);
    const bytesSkipped = thirdBlock - secondBlock;
    expect(skipped).toEqual([{ file: path, kind: "damaged", offset: secondBlock, bytes: bytesSkipped }]);
  }
});

test.each([
  { what: "no recording", bytes: Buffer.from("this is some text file"), code: "not-a-recording" },
  { what: "short and no recording", bytes: Buffer.from("text"), code: "not-a-recording" },
  {
    what: "of a later version",
    bytes: Buffer.from("MUNINREC\0\0\0\x02\0\0\0\0", "latin1"),
    code: "version-unknown",
  },
])("a file that is $what is refused with that reason", async ({ bytes, code }) => {
  await writeFile(path, bytes);
  const refused = read(path);
  await expect(refused).rejects.toBeInstanceOf(RecordingError);
  await expect(refused).rejects.toMatchObject({ code });
});

test("files stay below their limit, each starts with the open connections, and together they hold everything", async () => {
  const writer = await openWriter({ maxBytes: 3_000, blockBytes: 500 });
  writer.opened(first);
  for (let at = 0; at < 30; at += 1) writer.bytes(1, "opener", at * 500, noise(500, at + 1));
  const { files, bytesWritten } = await writer.stop();
  expect(files.length).toBeGreaterThan(4);
  expect(await findParts(path)).toEqual(files);
  let size = 0;
  const chunks: Buffer[] = [];
  for (const [at, file] of files.entries()) {
    expect(basename(file)).toBe(at === 0 ? "traffic.rec" : `traffic.rec.${at + 1}`);
    const { frames, skipped } = await read(file);
    expect(skipped).toEqual([]);
    expect(withoutTime(frames).slice(0, 2)).toEqual([
      { kind: "begin", part: at + 1 },
      { kind: "opened", ...first },
    ]);
    const fileBytes = (await readFile(file)).length;
    expect(fileBytes).toBeLessThanOrEqual(3_000);
    size += fileBytes;
    for (const frame of frames) if (frame.kind === "bytes") chunks.push(Buffer.from(frame.data));
  }
  expect(chunks).toEqual(Array.from({ length: 30 }, (_, at) => noise(500, at + 1)));
  expect(bytesWritten).toBe(size);
});

test("a file does not begin with connections that were closed before", async () => {
  const second = { ...first, connection: 2 };
  const writer = await openWriter({ maxBytes: 2_000, blockBytes: 500 });
  writer.opened(first);
  writer.opened(second);
  writer.closed(1);
  for (let at = 0; at < 10; at += 1) writer.bytes(2, "opener", at * 500, noise(500, at + 1));
  const { files } = await writer.stop();
  expect(files.length).toBeGreaterThan(2);
  const { frames } = await read(files.at(-1)!);
  expect(withoutTime(frames).filter((frame) => "opener" in frame)).toEqual([{ kind: "opened", ...second }]);
});

test("only the newest files are kept if their number is limited, and other files stay", async () => {
  await writeFile(join(directory, "traffic.rec.old"), "not ours");
  const writer = await openWriter({ maxBytes: 2_000, maxFiles: 2, blockBytes: 500 });
  for (let at = 0; at < 30; at += 1) writer.bytes(1, "opener", at * 500, noise(500, at + 1));
  const { files } = await writer.stop();
  expect(files).toHaveLength(2);
  expect((await readdir(directory)).sort()).toEqual(
    [...files.map((file) => basename(file)), "traffic.rec.old"].sort(),
  );
});

/** A disk with room for this many bytes more; a write that does not fit is torn, as on a real one. */
class SmallDisk {
  room: number;

  constructor(room: number) {
    this.room = room;
  }

  readonly openPart = async (file: string): Promise<PartHandle> => {
    const handle = await open(file, "wx");
    const write = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
      if (this.room === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      const fits = Math.min(length, this.room);
      this.room -= fits;
      return await handle.write(bytes, offset, fits, position);
    };
    return { write: write as PartHandle["write"], close: () => handle.close() };
  };
}

test("a disk that is full for a while loses nothing that fits in memory meanwhile", async () => {
  const disk = new SmallDisk(300);
  const writer = await openWriter({ openPart: disk.openPart, blockBytes: 100, retryMs: 5 });
  for (let at = 0; at < 10; at += 1) writer.bytes(1, "opener", at * 100, noise(100, at + 1));
  await vi.waitFor(() => expect(writer.trouble).toBeDefined(), { timeout: 20_000 });
  expect(troubles).toHaveLength(1);
  expect(writer.roomAgain()).toBeUndefined();
  disk.room = 1_000_000;
  await vi.waitFor(() => expect(writer.trouble).toBeUndefined(), { timeout: 20_000 });
  const summary = await writer.stop();
  expect(summary.bytesMissing).toBe(0);
  const { frames, skipped } = await read(path);
  expect(skipped).toEqual([]);
  expect(frames.filter(({ kind }) => kind === "bytes")).toHaveLength(10);
  expect(troubles.at(-1)).toMatch(/written again/);
});

test("what does not fit while the disk is full is a gap of the right size in the recording", async () => {
  const disk = new SmallDisk(300);
  const options = { openPart: disk.openPart, blockBytes: 100, retryMs: 5, maxWaitingBytes: 1_000 };
  const writer = await openWriter(options);
  writer.opened(first);
  for (let at = 0; at < 50; at += 1) writer.bytes(1, "opener", at * 100, noise(100, at + 1));
  expect(writer.bytesMissing).toBeGreaterThan(3_000);
  const missing = writer.bytesMissing;
  disk.room = 1_000_000;
  await vi.waitFor(() => expect(writer.bytesWritten).toBeGreaterThan(1_000), { timeout: 20_000 });
  await vi.waitFor(() => expect(writer.trouble).toBeUndefined(), { timeout: 20_000 });
  writer.bytes(1, "opener", 5_000, Buffer.from("after"));
  const summary = await writer.stop();
  expect(summary.bytesMissing).toBe(missing);
  const { frames, skipped } = await read(path);
  expect(skipped).toEqual([]);
  const kept = frames.filter((frame) => frame.kind === "bytes");
  expect(kept.reduce((sum, { data }) => sum + data.length, 0)).toBe(5_005 - missing);
  const gap = frames.findIndex(({ kind }) => kind === "gap");
  expect(frames[gap]).toMatchObject({ bytes: missing });
  expect(frames.slice(gap + 1).map(({ kind }) => kind)).toEqual(["opened", "bytes", "finished"]);
});

test("a write that hangs is reported, traffic no longer waits for it, and nothing is lost once it ends", async () => {
  const held: (() => void)[] = [];
  let isHanging = false;
  const openPart = async (file: string): Promise<PartHandle> => {
    const handle = await open(file, "wx");
    const write = async (...args: [Uint8Array, number, number, number]) => {
      if (isHanging) await new Promise<void>((resolve) => held.push(resolve));
      return handle.write(...args);
    };
    return { write: write as PartHandle["write"], close: () => handle.close() };
  };
  const writer = await openWriter({ openPart, blockBytes: 100, maxWaitingBytes: 1_000, retryMs: 5 });
  isHanging = true;
  for (let at = 0; at < 6; at += 1) writer.bytes(1, "opener", at * 100, noise(100, at + 1));
  const roomAgain = writer.roomAgain();
  expect(roomAgain).toBeDefined();
  await roomAgain;
  expect(troubles[0]).toContain("a write hangs");
  expect(writer.roomAgain()).toBeUndefined();
  isHanging = false;
  for (const goOn of held) goOn();
  expect(await writer.stop()).toMatchObject({ bytesMissing: 0 });
  const { frames } = await read(path);
  expect(frames.filter(({ kind }) => kind === "bytes")).toHaveLength(6);
});

test("a stop does not wait for the next attempt on a full disk", async () => {
  const disk = new SmallDisk(300);
  const writer = await openWriter({ openPart: disk.openPart, blockBytes: 100, retryMs: 1_000_000 });
  for (let at = 0; at < 10; at += 1) writer.bytes(1, "opener", at * 100, noise(100, at + 1));
  await vi.waitFor(() => expect(writer.trouble).toBeDefined(), { timeout: 20_000 });
  expect((await writer.stop()).bytesMissing).toBeGreaterThan(0);
});

test("a recording that ends on a full disk counts what is missing and stays readable", async () => {
  const disk = new SmallDisk(400);
  const writer = await openWriter({ openPart: disk.openPart, blockBytes: 100, retryMs: 60_000 });
  for (let at = 0; at < 10; at += 1) writer.bytes(1, "opener", at * 100, noise(100, at + 1));
  const { bytesMissing } = await writer.stop();
  const { frames, skipped } = await read(path);
  const kept = frames.filter(({ kind }) => kind === "bytes").length;
  expect(bytesMissing).toBe(1_000 - kept * 100);
  expect(kept).toBeGreaterThan(0);
  expect(skipped).toMatchObject([{ kind: "torn" }]);
});
