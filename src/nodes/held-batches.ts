import type { ReceivedBatch } from "../protocol/received-batch.js";

/** Batches of a node whose name is not known yet, in order of arrival. */
export class HeldBatches {
  #batches: ReceivedBatch[] = [];
  #objects = 0;
  #tellHost: ((host: string | undefined) => void) | undefined;
  #hasEnded = false;

  add(batch: ReceivedBatch): void {
    this.#batches.push(batch);
    this.#objects += batch.length;
    this.#tellHost?.(batch.host(0));
  }

  /** Removes and returns the first. */
  takeFirst(): ReceivedBatch | undefined {
    const batch = this.#batches.shift();
    this.#objects -= batch?.length ?? 0;
    return batch;
  }

  /** Removes and returns all. */
  take(): ReceivedBatch[] {
    const batches = this.#batches;
    this.#batches = [];
    this.#objects = 0;
    return batches;
  }

  /** Objects currently held. */
  get objects(): number {
    return this.#objects;
  }

  /** The host that the first object names; undefined if none arrived within `timeoutMs`, or before the connection ended. */
  async firstHost(timeoutMs: number): Promise<string | undefined> {
    const first = this.#batches[0];
    if (first !== undefined) return first.host(0);
    if (timeoutMs <= 0 || this.#hasEnded) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#tellHost?.(undefined), timeoutMs);
      this.#tellHost = (host) => {
        clearTimeout(timer);
        this.#tellHost = undefined;
        resolve(host);
      };
    });
  }

  /** The connection is gone: current and later waits for a host end without one. */
  end(): void {
    this.#hasEnded = true;
    this.#tellHost?.(undefined);
  }
}
