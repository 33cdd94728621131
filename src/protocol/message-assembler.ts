import { incomplete, major, readHead } from "./cbor-head.js";
import { type ItemLimits, ItemScanner } from "./item-scanner.js";

/** Used while nothing is kept: most connections wait most of the time. */
const noBytes = Buffer.alloc(0);

export interface AssemblerOptions extends ItemLimits {
  /** Called with the change in memory of the unfinished message; `push` throws what it throws. */
  readonly onGrowth?: (deltaBytes: number) => void;
}

/** Cuts the bytes of one mini-protocol into messages, each a definite array with its contents. */
export class MessageAssembler {
  readonly #limits: AssemblerOptions;
  readonly #scanner: ItemScanner;
  #bytes = noBytes;
  #length = 0;
  #reportedBytes = 0;

  /** `limits`: of one message. */
  constructor(limits: AssemblerOptions) {
    this.#limits = limits;
    this.#scanner = new ItemScanner(limits);
  }

  /**
   * Yields every message that `bytes` completes; those not taken come first at the next call.
   * @throws ProtocolError with code `too-long`, `too-deep` or `malformed`, as soon as it cannot become an allowed message
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    this.#append(bytes);
    while (this.#length > 0) {
      readHead(this.#bytes, 0, this.#length, major.array, this.#limits.what);
      const end = this.#scanner.scan(this.#bytes, this.#length);
      if (end === incomplete) break;
      const message = this.#bytes.subarray(0, end);
      this.#length -= end;
      this.#bytes = this.#length === 0 ? noBytes : this.#bytes.subarray(end, end + this.#length);
      this.#scanner.begin();
      yield message;
    }
    this.#reportGrowth();
  }

  /** Whether a message has begun and not ended. */
  get midMessage(): boolean {
    return this.#length > 0;
  }

  #reportGrowth(): void {
    const growth = this.#bytes.length - this.#reportedBytes;
    this.#reportedBytes += growth;
    if (growth !== 0) this.#limits.onGrowth?.(growth);
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      // Never writes into the bytes of a message already yielded: the rest of that memory is exactly full.
      const grown = Buffer.allocUnsafe(Math.max(length, Math.min(2 * this.#length, this.#limits.maxBytes)));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }
}
