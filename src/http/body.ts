import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { GzipStream } from "./gzip-stream.js";

/** The bytes of an answer, ready to send, perhaps to several readers at once. */
export interface Body {
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  readonly encoding: "identity" | "gzip";
}

/** Pieces of text are joined to about this many UTF-16 units before they are encoded. */
const chunkLength = 65_536;

/** Longest work in one turn of the event loop, in milliseconds; traces flow on the same loop. */
const sliceMs = 5;

/** Encodes a text of moderate size at once. */
export function bodyOf(text: string, options: { gzip: boolean }): Body {
  const encoder = new BodyEncoder(options);
  encoder.push(text);
  return encoder.end();
}

/** Runs `pieces` to their end and encodes them, leaving the event loop to others every few milliseconds. */
export async function renderBody<Result>(
  pieces: Generator<string, Result>,
  options: { gzip: boolean },
): Promise<{ body: Body; result: Result }> {
  const encoder = new BodyEncoder(options);
  let sliceEnd = performance.now() + sliceMs;
  for (;;) {
    const next = pieces.next();
    if (next.done) return { body: encoder.end(), result: next.value };
    encoder.push(next.value);
    if (performance.now() < sliceEnd) continue;
    await turnOfTheLoop();
    sliceEnd = performance.now() + sliceMs;
  }
}

class BodyEncoder {
  readonly #gzip: GzipStream | undefined;
  readonly #chunks: Buffer[] = [];
  #text = "";

  constructor(options: { gzip: boolean }) {
    this.#gzip = options.gzip ? new GzipStream() : undefined;
    if (this.#gzip !== undefined) this.#chunks.push(this.#gzip.begin());
  }

  push(text: string): void {
    this.#text += text;
    if (this.#text.length >= chunkLength) this.#flush();
  }

  end(): Body {
    if (this.#text !== "") this.#flush();
    if (this.#gzip !== undefined) this.#chunks.push(this.#gzip.end());
    const bytes = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return { chunks: this.#chunks, bytes, encoding: this.#gzip === undefined ? "identity" : "gzip" };
  }

  #flush(): void {
    const bytes = Buffer.from(this.#text, "utf8");
    this.#chunks.push(this.#gzip === undefined ? bytes : this.#gzip.push(bytes));
    this.#text = "";
  }
}
