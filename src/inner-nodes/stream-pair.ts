import { Duplex } from "node:stream";

/** Two ends of one connection within this process: what is written at one is read at the other, no faster than it is read. */
export function streamPair(): readonly [Duplex, Duplex] {
  const [near, far] = [new End(), new End()];
  near.other = far;
  far.other = near;
  return [near, far];
}

class End extends Duplex {
  other!: End;
  /** The callback of a writer at the other end that waits for us to read. */
  #letWrite: (() => void) | undefined;

  override _write(chunk: Buffer, _: string, done: () => void): void {
    const { other } = this;
    // As over any connection, an answer never arrives before the call that asked for it has returned.
    queueMicrotask(() => {
      if (other.destroyed || other.push(chunk)) done();
      else other.#letWrite = done;
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
    // If one side ended in order, the other may still read the rest.
    if (!this.readableEnded || !this.writableFinished) this.other.destroy();
    done(error);
  }

  #release(): void {
    const letWrite = this.#letWrite;
    this.#letWrite = undefined;
    letWrite?.();
  }
}
