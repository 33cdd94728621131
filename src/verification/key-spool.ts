import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SentKeys } from "./sent-window.js";

const keyBytes = 8;
const chunkKeys = 8_192;

/** Keys in memory of all runs together, beyond which all are written. */
const mostPending = 2 ** 20;
const fewKeys = 16;

/** Separates runs of keys that arrive mixed, with a temporary file for each: eight bytes a key. */
export class KeySpool implements AsyncDisposable {
  readonly #directory: string;
  readonly #runs = new Map<string, SpooledKeys>();
  /** Room for keys in memory, of all runs. */
  #pending = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws what the file system throws, if there is no room for temporary files */
  static async open(): Promise<KeySpool> {
    return new KeySpool(await mkdtemp(join(tmpdir(), "muninn-verify-")));
  }

  async add(run: string, key: number): Promise<void> {
    let spooled = this.#runs.get(run);
    if (spooled === undefined) {
      spooled = new SpooledKeys(join(this.#directory, String(this.#runs.size)));
      this.#runs.set(run, spooled);
    }
    const before = spooled.roomKeys;
    const isFull = spooled.add(key);
    this.#pending += spooled.roomKeys - before;
    if (isFull) await spooled.flush();
    if (this.#pending > mostPending) await this.#flushAll();
  }

  /** A recording may have very many runs of a few keys each. */
  async #flushAll(): Promise<void> {
    for (const spooled of this.#runs.values()) {
      await spooled.flush();
      spooled.release();
    }
    this.#pending = 0;
  }

  /** Some runs, one after the other; those that nothing was added to are empty. No more keys may be added. */
  async joined(runs: readonly string[]): Promise<SentKeys> {
    const spooled = runs.flatMap((run) => this.#runs.get(run) ?? []);
    for (const run of spooled) await run.flush();
    return {
      async *keysFrom(index) {
        let skip = index;
        for (const run of spooled) {
          if (skip < run.length) yield* run.keysFrom(skip);
          skip = Math.max(0, skip - run.length);
        }
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

class SpooledKeys implements SentKeys {
  readonly #path: string;
  #pending = new Float64Array(0);
  #count = 0;
  #flushed = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get length(): number {
    return this.#flushed + this.#count;
  }

  /** Keys that there is memory for. */
  get roomKeys(): number {
    return this.#pending.length;
  }

  /** Whether the keys should be flushed before the next is added. */
  add(key: number): boolean {
    if (this.#count === this.#pending.length) {
      const grown = new Float64Array(Math.min(chunkKeys, Math.max(fewKeys, 2 * this.#count)));
      grown.set(this.#pending);
      this.#pending = grown;
    }
    this.#pending[this.#count] = key;
    this.#count += 1;
    return this.#count === chunkKeys;
  }

  /** Gives back the memory; everything must be flushed. */
  release(): void {
    this.#pending = new Float64Array(0);
  }

  async flush(): Promise<void> {
    if (this.#count === 0) return;
    const handle = await open(this.#path, "a");
    try {
      await handle.appendFile(new Uint8Array(this.#pending.buffer, 0, this.#count * keyBytes));
    } finally {
      await handle.close();
    }
    this.#flushed += this.#count;
    this.#count = 0;
  }

  async *keysFrom(index: number): AsyncGenerator<Float64Array> {
    if (index >= this.#flushed) return;
    const handle = await open(this.#path, "r");
    try {
      let position = index * keyBytes;
      for (;;) {
        const keys = await readKeys(handle, position);
        if (keys.length === 0) return;
        yield keys;
        position += keys.length * keyBytes;
      }
    } finally {
      await handle.close();
    }
  }
}

async function readKeys(handle: FileHandle, position: number): Promise<Float64Array> {
  const bytes = new Uint8Array(chunkKeys * keyBytes);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return new Float64Array(bytes.buffer, 0, filled / keyBytes);
}
