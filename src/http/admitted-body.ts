import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Place } from "./admission.js";

/** Why a body is not accepted; `late` means that it arrived too slowly. */
export type BodyFault = "too-large" | "busy" | "late" | "cut-off" | "malformed";

/** How long a body may take to arrive, in milliseconds. */
const maxArrivalMs = 30_000;
/** Bytes decompressed at a time. */
const chunkSize = 65_536;
/** The first memory for a body, and the factor by which it grows. */
const firstBytes = 16_384;
const growth = 4;

/** Reads a body, up to a limit and within its place. Never rejects. */
export async function readBody(
  stream: Readable,
  maxBytes: number,
  place: Place,
): Promise<Buffer | BodyFault> {
  let tooLate: (fault: "late") => void = () => {};
  const late = new Promise<"late">((resolve) => {
    tooLate = resolve;
  });
  const timer = setTimeout(() => tooLate("late"), maxArrivalMs);
  place.arriving(() => tooLate("late"));
  const body = await wholeOf(stream, maxBytes, place, late);
  clearTimeout(timer);
  place.arrived();
  return body;
}

/** Decompresses gzip, up to a limit, because a small body may decompress to a huge one. Never rejects. */
export async function unpacked(
  body: Uint8Array,
  maxBytes: number,
  place: Place,
): Promise<Buffer | BodyFault> {
  const unpacking = createGunzip({ chunkSize });
  unpacking.end(body);
  const whole = await wholeOf(unpacking, maxBytes, place);
  unpacking.destroy();
  return whole === "cut-off" ? "malformed" : whole;
}

/** All bytes of a stream, or the fault that came first. The rest of a refused one stays unread. */
function wholeOf(
  stream: Readable,
  maxBytes: number,
  place: Place,
  instead?: Promise<BodyFault>,
): Promise<Buffer | BodyFault> {
  if (stream.destroyed) return Promise.resolve("cut-off");
  const body = new BodyBytes(maxBytes, place);
  return new Promise((resolve) => {
    const settle = (outcome: Buffer | BodyFault) => {
      stream.off("data", take).pause();
      resolve(outcome);
    };
    const take = (chunk: Buffer) => {
      const fault = body.add(chunk);
      if (fault !== undefined) settle(fault);
    };
    stream.on("error", () => settle("cut-off"));
    stream.once("close", () => settle("cut-off"));
    stream.once("end", () => settle(body.bytes));
    stream.on("data", take);
    void instead?.then(settle);
  });
}

/** Collects a body in one growing buffer: many small pieces would take more memory than their bytes. */
class BodyBytes {
  readonly #maxBytes: number;
  readonly #place: Place;
  #memory = Buffer.alloc(0);
  #length = 0;

  constructor(maxBytes: number, place: Place) {
    this.#maxBytes = maxBytes;
    this.#place = place;
  }

  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  /** Adds a chunk; returns the fault if it is not accepted. */
  add(chunk: Buffer): BodyFault | undefined {
    const length = this.#length + chunk.length;
    if (length > this.#maxBytes) return "too-large";
    if (length > this.#memory.length) {
      const usual = Math.min(this.#maxBytes, Math.max(firstBytes, growth * this.#memory.length));
      const grown = Math.max(length, usual);
      // The old buffer still counts: we cannot know when it will be garbage-collected.
      if (!this.#place.hold(grown)) {
        // Released at once, so that of several bodies that do not fit together not all are refused.
        this.#place.leave();
        return "busy";
      }
      const memory = Buffer.allocUnsafeSlow(grown);
      memory.set(this.bytes);
      this.#memory = memory;
    }
    this.#memory.set(chunk, this.#length);
    this.#length = length;
    return undefined;
  }
}
