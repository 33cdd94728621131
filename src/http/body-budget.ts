import { type Body, renderBody } from "./body.js";

/** Most requests that wait for room; further ones are refused, because they would wait too long. */
const maxWaiting = 64;

/** A reader has at least this long, in milliseconds, even if others are waiting for room. */
export const leastReadingMs = 2_000;

/** Pause between two attempts to make room for a waiting request, in milliseconds. */
const pressMs = 250;

/** A body to be made. */
export interface Rendering {
  /** Called once there is room; an empty piece is a point to pause. */
  readonly pieces: () => Iterator<string>;
  /** Most memory needed to make it, in bytes: the text and temporary data. */
  readonly bytes: number;
  readonly gzip: boolean;
}

/**
 * The bytes of all bodies of an endpoint: those being made, which are admitted before they begin, and those still in use,
 * each counted once, however many readers it has.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #holders = new Map<Body, number>();
  #heldBytes = 0;
  #reservedBytes = 0;
  readonly #waiting: { readonly bytes: number; readonly admit: () => void }[] = [];
  #pressing: NodeJS.Timeout | undefined;
  readonly #onShort: (() => void)[] = [];

  constructor(options: { maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** Whether more bytes are held than allowed. */
  get isExceeded(): boolean {
    return this.#heldBytes > this.#maxBytes;
  }

  /** `release` is called repeatedly while a request waits for room, to end readers that have held a body for long. */
  whenShort(release: () => void): void {
    this.#onShort.push(release);
  }

  /** The body, made as soon as there is room; undefined if too many requests wait. */
  async render({ pieces, bytes, gzip }: Rendering): Promise<Body | undefined> {
    if (!(await this.#admitted(bytes))) return undefined;
    try {
      return await renderBody(pieces(), { gzip });
    } finally {
      this.#reservedBytes -= bytes;
      this.#admitNext();
    }
  }

  /** The caller needs `body` until it calls `release`. */
  hold(body: Body): void {
    const holders = this.#holders.get(body) ?? 0;
    this.#holders.set(body, holders + 1);
    if (holders === 0) this.#heldBytes += body.bytes;
  }

  release(body: Body): void {
    const holders = (this.#holders.get(body) ?? 0) - 1;
    if (holders > 0) {
      this.#holders.set(body, holders);
    } else if (this.#holders.delete(body)) {
      this.#heldBytes -= body.bytes;
      this.#admitNext();
    }
  }

  async #admitted(bytes: number): Promise<boolean> {
    if (this.#waiting.length >= maxWaiting) return false;
    if (this.#waiting.length === 0 && this.#hasRoomFor(bytes)) {
      this.#reservedBytes += bytes;
      return true;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push({ bytes, admit: resolve });
      this.#pressing ??= setInterval(() => this.#press(), pressMs).unref();
      this.#press();
    });
    return true;
  }

  #press(): void {
    for (const release of this.#onShort) release();
  }

  /** A body larger than the whole budget is made alone, while others hold at most half of it. */
  #hasRoomFor(bytes: number): boolean {
    const isAlone = this.#reservedBytes === 0 && this.#heldBytes <= this.#maxBytes / 2;
    return isAlone || this.#heldBytes + this.#reservedBytes + bytes <= this.#maxBytes;
  }

  /** Admits requests in order of arrival: otherwise a large one would never find room among small ones. */
  #admitNext(): void {
    while (this.#waiting.length > 0 && this.#hasRoomFor(this.#waiting[0]!.bytes)) {
      const { bytes, admit } = this.#waiting.shift()!;
      this.#reservedBytes += bytes;
      admit();
    }
    if (this.#waiting.length > 0) return;
    clearInterval(this.#pressing);
    this.#pressing = undefined;
  }
}
