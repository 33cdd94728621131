import { promisify } from "node:util";
import { deflateRaw, inflateRawSync } from "node:zlib";
import { crc32 } from "../base/crc32.js";

/** `MUNINREC`, the version as four bytes, four bytes of zero. All numbers are big endian. */
export const fileHeaderBytes = 16;
const fileMagic = Buffer.from("MUNINREC", "latin1");
const version = 1;

/** `MBLK`, length of the payload, length of what it inflates to, CRC-32 of the payload; four bytes each. */
export const blockHeaderBytes = 16;
export const blockMagic = Buffer.from("MBLK", "latin1");

/** A block that claims more, in its payload or inflated, counts as damaged. */
const maxBlockBytes = 16 * 1024 * 1024;

export function encodeFileHeader(): Uint8Array {
  const header = Buffer.alloc(fileHeaderBytes);
  fileMagic.copy(header);
  header.writeUInt32BE(version, fileMagic.length);
  return header;
}

/** What a file's first 16 bytes say: the version, or that it is not a recording. */
export function readFileHeader(header: Buffer): { version: number; supported: boolean } | undefined {
  if (header.length < fileHeaderBytes || !header.subarray(0, fileMagic.length).equals(fileMagic))
    return undefined;
  const found = header.readUInt32BE(fileMagic.length);
  return { version: found, supported: found === version };
}

const deflate = promisify(deflateRaw);

/** One block with its header, from a run of frames. Compressed lightly, because the recorder shares the machine with what it records. */
export async function encodeBlock(frames: Uint8Array): Promise<Uint8Array> {
  const payload = await deflate(frames, { level: 1 });
  const header = Buffer.alloc(blockHeaderBytes);
  blockMagic.copy(header);
  header.writeUInt32BE(payload.length, 4);
  header.writeUInt32BE(frames.length, 8);
  header.writeUInt32BE(crc32(payload), 12);
  return Buffer.concat([header, payload]);
}

/** Length of the payload that a block header announces; undefined if it is invalid. */
export function payloadBytes(header: Buffer): number | undefined {
  if (header.length < blockHeaderBytes || !header.subarray(0, blockMagic.length).equals(blockMagic))
    return undefined;
  const length = header.readUInt32BE(4);
  return length <= maxBlockBytes && header.readUInt32BE(8) <= maxBlockBytes ? length : undefined;
}

/** The run of frames in a block; undefined if the payload is damaged. */
export function decodeBlock(header: Buffer, payload: Buffer): Buffer | undefined {
  if (crc32(payload) !== header.readUInt32BE(12)) return undefined;
  try {
    const frames = inflateRawSync(payload, { maxOutputLength: maxBlockBytes });
    return frames.length === header.readUInt32BE(8) ? frames : undefined;
  } catch {
    return undefined;
  }
}
