import { Duplex } from "node:stream";

/** Both ends of a connection within this process: what is written at one is read at the other, with back-pressure. */
export function streamPair(): readonly [Duplex, Duplex] {
  const [near, far] = [new End(), new End()];
  near.other = far;
  far.other = near;
  return [near, far];
}

class End extends Duplex {
  other!: End;
  /** The callback of a write at the other end, held until this end reads. */
  #finishWrite: (() => void) | undefined;

  override _write(chunk: Buffer, _: string, done: () => void): void {
    const { other } = this;
    // As with any connection, an answer never arrives before the call that sent the request has returned.
    queueMicrotask(() => {
      if (other.destroyed || other.push(chunk)) done();
      else other.#finishWrite = done;
    });
  }

  override _read(): void {
    this.#release();
  }

  override _final(done: () => void): void {
    this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#release();
    // If this end closed in order, the other may still read the rest.
    if (!this.readableEnded || !this.writableFinished) this.other.destroy();
    done(error);
  }

  #release(): void {
    const finishWrite = this.#finishWrite;
    this.#finishWrite = undefined;
    finishWrite?.();
  }
}
