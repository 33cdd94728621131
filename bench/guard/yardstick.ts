import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { sampleObject } from "../harness/objects.js";
import { cpuMicros } from "./cpu.js";

const objectsPerReply = 100;
const objectBytes = 364;
/** One pass over a figure's replies is too short to be measured well. */
const passes = 6;

/**
 * The unit in which the guard's figures are given: a fixed piece of work of the same kind, which no change of Muninn
 * affects. Walks over the items of a reply by their heads and copies the long texts.
 */
export class Yardstick {
  readonly #source: Buffer;
  readonly #target: Buffer;
  readonly #replies: number;

  /** For as many replies of 100 objects as the figure uses. */
  constructor(replies: number) {
    const object = sampleObject(objectBytes);
    const reply = encodeTraceReply(Array.from({ length: objectsPerReply }, () => object.encoded));
    this.#source = Buffer.from(reply);
    this.#target = Buffer.allocUnsafeSlow(reply.length);
    this.#replies = replies;
  }

  /** The current processor time, in microseconds, of one pass over everything. */
  async micros(): Promise<number> {
    return (await cpuMicros(() => this.#run())) / passes;
  }

  #run(): void {
    let texts = 0;
    for (let reply = 0; reply < passes * this.#replies; reply += 1) texts += this.#walk();
    if (texts === 0) throw new Error("the yardstick found no text");
  }

  /** Goes over the reply once, and returns the number of texts. */
  #walk(): number {
    const source = this.#source;
    let at = 0;
    let to = 0;
    let texts = 0;
    while (at < source.length) {
      const first = source[at]!;
      const info = first & 0x1f;
      const type = first >> 5;
      let argument = info;
      let head = 1;
      if (info === 24) {
        argument = source[at + 1]!;
        head = 2;
      } else if (info === 25) {
        argument = (source[at + 1]! << 8) | source[at + 2]!;
        head = 3;
      } else if (info === 26 || info === 27) {
        head = info === 26 ? 5 : 9;
      }
      at += head;
      if (type !== 3) continue;
      texts += 1;
      if (argument > 200) to += source.copy(this.#target, to, at, at + argument);
      at += argument;
    }
    return texts;
  }
}
