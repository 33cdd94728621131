import { DamagedFileError, readLogBytes } from "../log-files/log-file-bytes.js";
import { type LogFile, openLog } from "./log-tree.js";

/** How much is unpacked of one compressed file, all readings together: a small one may hold terabytes of empty lines. */
const mostUnpackedBytes = 8 * 2 ** 30;

/** The bytes of an open log file, as they were before it was compressed. */
export interface StoredBytes {
  /** The size when it was opened; the file may have grown since. */
  readonly size: number;
  /** Up to `length` bytes from `position` on; fewer only at the end. */
  read(position: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Opens a log file; a test passes its own function to count what is read. */
export type OpenStoredBytes = (file: LogFile) => Promise<StoredBytes>;

/** A file that can be read at any place. */
async function openPlain(path: string): Promise<StoredBytes> {
  const handle = await openLog(path);
  const { size } = await handle.stat();
  return {
    size,
    read: async (position, length) => {
      const buffer = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
    close: () => handle.close(),
  };
}

/**
 * A compressed file that is read backwards: for each `windowBytes` it is unpacked again from its beginning, so that it is never
 * held whole. A damaged file ends where the damage begins.
 */
async function openCompressed(
  path: string,
  windowBytes: number,
  remark: (sentence: string) => void,
): Promise<StoredBytes> {
  let window = await lastBytesBefore(path, Number.POSITIVE_INFINITY, windowBytes, remark);
  let unpackedBytes = window.end;
  let isGivenUp = false;
  const mayUnpack = (bytes: number) => {
    unpackedBytes += bytes;
    if (unpackedBytes <= Math.max(mostUnpackedBytes, 2 * window.end)) return true;
    if (!isGivenUp) remark(`${path} unpacks to too much to be read back any further`);
    isGivenUp = true;
    return false;
  };
  return {
    size: window.end,
    read: async (position, length) => {
      const end = Math.min(position + length, window.end);
      if (position < window.end - window.bytes.length) {
        if (isGivenUp || !mayUnpack(position + length)) return Buffer.alloc(0);
        const size = Math.max(windowBytes, length);
        window = await lastBytesBefore(path, position + length, size, () => {});
      }
      const begin = window.end - window.bytes.length;
      return window.bytes.subarray(position - begin, end - begin);
    },
    close: async () => {},
  };
}

interface Window {
  readonly bytes: Buffer;
  /** Where these bytes end in the unpacked file. */
  readonly end: number;
}

async function lastBytesBefore(
  path: string,
  end: number,
  size: number,
  remark: (sentence: string) => void,
): Promise<Window> {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let position = 0;
  try {
    for await (const { bytes } of readLogBytes(path)) {
      const wanted = bytes.subarray(0, Math.max(0, end - position));
      // A copy, because the bytes are valid only until the next ones are asked for.
      kept.push(Buffer.from(wanted));
      keptBytes += wanted.length;
      position += wanted.length;
      while (keptBytes - kept[0]!.length >= size) keptBytes -= kept.shift()!.length;
      if (position >= end) break;
    }
  } catch (error) {
    if (!(error instanceof DamagedFileError)) throw error;
    remark(error.message);
  }
  const bytes = Buffer.concat(kept);
  return { bytes: bytes.subarray(Math.max(0, bytes.length - size)), end: position };
}

/**
 * Opens plain and compressed files. For a compressed one about `windowBytes` are held, and a few pieces of 1 MiB.
 */
export function storedBytesOpener(windowBytes: number, remark: (sentence: string) => void): OpenStoredBytes {
  return ({ path, isCompressed }) =>
    isCompressed ? openCompressed(path, windowBytes, remark) : openPlain(path);
}
