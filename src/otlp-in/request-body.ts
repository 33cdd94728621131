import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Place } from "./admission.js";

/** Of a request, before and after decompression: as much as the collector of OpenTelemetry takes. */
export const maxBodyBytes = 20 * 1_048_576;

/** Why a body is not taken. */
export type BodyFault = "too-large" | "busy" | "cut-off" | "garbage";

/** Unpacked at a time. */
const chunkSize = 65_536;

/** Reads what a client sends, this much at most and within its place. Never rejects. */
export async function readBody(
  stream: Readable,
  maxBytes: number,
  place: Place,
): Promise<Buffer | BodyFault> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // A refusal is still to be sent on a stream whose rest is not read.
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) return "too-large";
      if (!place.hold(chunk.length)) return "busy";
      chunks.push(chunk);
    }
  } catch {
    return "cut-off";
  }
  return Buffer.concat(chunks, bytes);
}

/** Unpacks gzip, up to the same limit: a small body may stand for a huge one. Never rejects. */
export async function unpacked(body: Uint8Array, place: Place): Promise<Buffer | BodyFault> {
  const unpacking = createGunzip({ chunkSize });
  unpacking.end(body);
  const whole = await readBody(unpacking, maxBodyBytes, place);
  unpacking.destroy();
  return whole === "cut-off" ? "garbage" : whole;
}
