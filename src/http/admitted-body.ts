import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Place } from "./admission.js";

/** Why a body is not taken; `late` took too long to come. */
export type BodyFault = "too-large" | "busy" | "late" | "cut-off" | "garbage";

/** How long a body may take to come, in milliseconds. */
const maxComingMs = 30_000;
/** Unpacked at a time. */
const chunkSize = 65_536;
/** Memory for a body before more is needed, and how many times as much comes then. */
const firstBytes = 16_384;
const growth = 4;

/** Reads what a client sends, this much at most and within its place. Never rejects. */
export async function readBody(
  stream: Readable,
  maxBytes: number,
  place: Place,
): Promise<Buffer | BodyFault> {
  let tooLate: (fault: "late") => void = () => {};
  const late = new Promise<"late">((resolve) => {
    tooLate = resolve;
  });
  const timer = setTimeout(() => tooLate("late"), maxComingMs);
  place.comes(() => tooLate("late"));
  const body = await wholeOf(stream, maxBytes, place, late);
  clearTimeout(timer);
  place.came();
  return body;
}

/** Unpacks gzip, up to a limit: a small body may stand for a huge one. Never rejects. */
export async function unpacked(
  body: Uint8Array,
  maxBytes: number,
  place: Place,
): Promise<Buffer | BodyFault> {
  const unpacking = createGunzip({ chunkSize });
  unpacking.end(body);
  const whole = await wholeOf(unpacking, maxBytes, place);
  unpacking.destroy();
  return whole === "cut-off" ? "garbage" : whole;
}

/** All of a stream, unless something else comes first. What is left of one that is refused stays unread. */
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

/** Grows with what comes: many small pieces take more memory than their bytes. */
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

  /** Why it takes no more, if so. */
  add(chunk: Buffer): BodyFault | undefined {
    const length = this.#length + chunk.length;
    if (length > this.#maxBytes) return "too-large";
    if (length > this.#memory.length) {
      const usual = Math.min(this.#maxBytes, Math.max(firstBytes, growth * this.#memory.length));
      const grown = Math.max(length, usual);
      // What it grows out of stays counted: when that is collected is not up to us.
      if (!this.#place.hold(grown)) {
        // At once: of several that have no room beside each other not all are turned away.
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
