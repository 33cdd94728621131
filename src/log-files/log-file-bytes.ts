import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { type CompressedEnding, compressedEnding } from "./compression.js";

/** A compressed file whose bytes do not fit its name, or that ends too early. */
export class DamagedFileError extends Error {
  override readonly name = "DamagedFileError";
  readonly code = "damaged-file";

  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${file} is damaged or cut off: ${reason}`, { cause });
  }
}

/** Some uncompressed bytes of a log, and how many bytes of the file were read for it so far. */
interface LogBytes {
  /** Valid until the next ones are asked for. */
  readonly bytes: Uint8Array;
  readonly bytesRead: number;
}

/** Larger reads than Node's own 64 KiB: fewer turns of the thread pool. */
const chunkBytes = 1024 * 1024;

/**
 * The bytes of a log file, plain or compressed, up to its end at this moment.
 * @throws DamagedFileError after all that could be read, and what the file system throws
 */
export function readLogBytes(file: string): AsyncGenerator<LogBytes> {
  const ending = compressedEnding(file);
  return ending === undefined ? readPlain(file) : readCompressed(file, decompressors[ending]);
}

async function* readPlain(file: string): AsyncGenerator<LogBytes> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let bytesRead = 0; ; ) {
      const read = await handle.read(buffer, 0, buffer.length, null);
      if (read.bytesRead === 0) return;
      bytesRead += read.bytesRead;
      yield { bytes: buffer.subarray(0, read.bytesRead), bytesRead };
    }
  } finally {
    await handle.close();
  }
}

type Decompressor = (compressed: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array>;

async function* readCompressed(file: string, decompress: Decompressor): AsyncGenerator<LogBytes> {
  let bytesRead = 0;
  async function* compressed(): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes })) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  try {
    for await (const bytes of decompress(compressed())) yield { bytes, bytesRead };
  } catch (error) {
    if (isFromFileSystem(error)) throw error;
    throw new DamagedFileError(file, error);
  }
}

const decompressors: Readonly<Record<CompressedEnding, Decompressor>> = {
  ".gz": gunzip,
  ".zst": unzstd,
};

/** Most readers find plain files only, and what unpacks takes a while to load. */
async function* gunzip(compressed: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const { createGunzip } = await import("node:zlib");
  // Errors come out of the iteration.
  yield* pipeline(compressed, createGunzip({ chunkSize: chunkBytes }), () => {});
}

/** Unpacked together: four bytes may become 128 KiB. */
const packedBytes = 2 * 1024;

/** Not `node:zlib`: that has it since Node 22.15 only, and there reads the first of several frames, without a word about the others. */
async function* unzstd(compressed: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import("fzstd");
  const pieces: Uint8Array[] = [];
  const decompressor = new Decompress((piece) => pieces.push(piece));
  for await (const chunk of compressed) {
    for (let at = 0; at < chunk.length; at += packedBytes) {
      decompressor.push(chunk.subarray(at, at + packedBytes));
      yield* pieces.splice(0);
    }
  }
  // Throws if the last frame is incomplete.
  decompressor.push(new Uint8Array(), true);
  yield* pieces.splice(0);
}

function isFromFileSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
