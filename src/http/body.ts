import { GzipStream } from "./gzip-stream.js";
import { loopSlices, sliceMs } from "./loop-slices.js";

/** The bytes of an answer, ready to send, perhaps to several readers at once. */
export interface Body {
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  readonly encoding: "identity" | "gzip";
}

/** Pieces of text are joined up to about this many UTF-16 units before they are encoded. */
const chunkLength = 65_536;

/** Encodes a text of moderate size in one go. */
export function bodyOf(text: string, options: { gzip: boolean }): Body {
  const encoder = new BodyEncoder(options);
  encoder.push(text);
  return encoder.end();
}

/** Runs `pieces` to their end and encodes them in slices, so that the event loop is not blocked. */
export async function renderBody(pieces: Iterator<string>, options: { gzip: boolean }): Promise<Body> {
  const encoder = new BodyEncoder(options);
  for (;;) {
    await loopSlices.turn();
    const sliceEnd = performance.now() + sliceMs;
    do {
      const next = pieces.next();
      if (next.done) return encoder.end();
      encoder.push(next.value);
    } while (performance.now() < sliceEnd);
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
