import { type FileHandle, open } from "node:fs/promises";
import {
  blockHeaderBytes,
  blockMagic,
  decodeBlock,
  encodeFileHeader,
  fileHeaderBytes,
  payloadBytes,
  readFileHeader,
} from "./block.js";
import { decodeFrames, type Frame } from "./frame.js";
import { RecordingError } from "./recording-error.js";

/** Something in a file that is not a whole block: `torn` at its end, `damaged` before that. */
export interface SkippedBytes {
  readonly file: string;
  readonly kind: "torn" | "damaged";
  /** Where in the file, and how much, in bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** Whether a file begins like a recording. */
export async function isRecording(file: string): Promise<boolean> {
  const handle = await open(file, "r");
  try {
    return readFileHeader(await readAt(handle, 0, fileHeaderBytes)) !== undefined;
  } finally {
    await handle.close();
  }
}

/**
 * The frames of one file, a block at a time. Bytes that are not a whole block are skipped, and each run of them is
 * reported once.
 * @throws RecordingError, and what the file system throws
 */
export async function* readRecordingFile(
  file: string,
  onSkipped: (skipped: SkippedBytes) => void,
): AsyncGenerator<Frame[]> {
  const handle = await open(file, "r");
  try {
    const headerBytes = await readAt(handle, 0, fileHeaderBytes);
    if (headerBytes.length < fileHeaderBytes && headerBytes.equals(fileHeaderStart(headerBytes.length))) {
      onSkipped({ file, kind: "torn", offset: 0, bytes: headerBytes.length });
      return;
    }
    const header = readFileHeader(headerBytes);
    if (header === undefined) throw new RecordingError("not-a-recording", `${file} is not a recording`);
    if (!header.supported) {
      const message = `${file} is a recording of version ${header.version}, which this program does not know`;
      throw new RecordingError("version-unknown", message);
    }
    const doubt = new Doubt();
    let offset = fileHeaderBytes;
    for (;;) {
      const block = await readBlock(handle, offset, doubt);
      if (block !== undefined) {
        const isWhole = yield* framesOf(block.bytes);
        if (!isWhole) onSkipped({ file, kind: "damaged", offset, bytes: block.end - offset });
        offset = block.end;
        continue;
      }
      const { size } = await handle.stat();
      if (offset >= size) return;
      const next = await findBlock(handle, offset + 1, size, doubt);
      onSkipped({
        file,
        kind: next === undefined ? "torn" : "damaged",
        offset,
        bytes: (next ?? size) - offset,
      });
      if (next === undefined) return;
      offset = next;
    }
  } finally {
    await handle.close();
  }
}

const mostFramesAtOnce = 1_024;

/** Some frames at a time; returns whether all could be read. */
function* framesOf(bytes: Uint8Array): Generator<Frame[], boolean> {
  const frames = decodeFrames(bytes);
  for (;;) {
    const some: Frame[] = [];
    try {
      while (some.length < mostFramesAtOnce) {
        const { done, value } = frames.next();
        if (done) {
          yield some;
          return true;
        }
        some.push(value);
      }
    } catch {
      yield some;
      return false;
    }
    yield some;
  }
}

/**
 * Limits how many false markers are checked: a crafted file can have one every few bytes, each with a long
 * payload to check. By accident there is not one in terabytes.
 */
class Doubt {
  #wastedBytes = 0;

  /** Whether the block that a marker at `offset` announces is worth a look. */
  allows(offset: number, bytes: number): boolean {
    return this.#wastedBytes + bytes <= freeBytes + wastePerByte * offset;
  }

  wasted(bytes: number): void {
    this.#wastedBytes += bytes;
  }
}
const freeBytes = 64 * 1_024 * 1_024;
const wastePerByte = 4;

/** The run of frames in the block that begins here, if there is one; `known` is its header, if it was read already. */
async function readBlock(
  handle: FileHandle,
  offset: number,
  doubt: Doubt,
  known?: Buffer,
): Promise<{ bytes: Uint8Array; end: number } | undefined> {
  const header = known ?? (await readAt(handle, offset, blockHeaderBytes));
  const length = payloadBytes(header);
  if (length === undefined || !doubt.allows(offset, length)) return undefined;
  const payload = await readAt(handle, offset + blockHeaderBytes, length);
  const bytes = payload.length < length ? undefined : decodeBlock(header, payload);
  if (bytes === undefined) doubt.wasted(length);
  return bytes === undefined ? undefined : { bytes, end: offset + blockHeaderBytes + length };
}

function fileHeaderStart(length: number): Uint8Array {
  return encodeFileHeader().subarray(0, length);
}

const searchBytes = 1024 * 1024;

/** Where the next whole block begins, at or after `from`. */
async function findBlock(
  handle: FileHandle,
  from: number,
  size: number,
  doubt: Doubt,
): Promise<number | undefined> {
  for (let start = from; start < size; start += searchBytes) {
    // The next stretch begins inside this one by the length of a header, less one byte.
    const stretch = await readAt(handle, start, searchBytes + blockHeaderBytes - 1);
    const markers = stretch.subarray(0, searchBytes + blockMagic.length - 1);
    for (let at = markers.indexOf(blockMagic); at !== -1; at = markers.indexOf(blockMagic, at + 1)) {
      const header = stretch.subarray(at, at + blockHeaderBytes);
      if ((await readBlock(handle, start + at, doubt, header)) !== undefined) return start + at;
    }
  }
  return undefined;
}

/** `length` bytes, or as many as the file has there. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
