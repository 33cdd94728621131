import { ObjectQueue } from "../../forwarder/object-queue.js";
import type { ForwarderSource } from "../../forwarder/source.js";
import type { DropReason } from "../drop-reasons.js";
import type { WaitingObject } from "./waiting-object.js";

/** What a downstream tracer gets in addition to trace objects. */
export type Answers = Pick<ForwarderSource, "metrics" | "dataPoints" | "askDataPoints">;

/** The objects queued for one downstream tracer, which gets them when it asks. */
export class DownstreamQueue implements ForwarderSource {
  readonly #queue = new ObjectQueue<WaitingObject>();
  readonly #answers: Answers;
  /** Whether a connection reads from it. */
  isConnected = false;
  /** Called when that connection has ended. */
  onRelease: () => void = () => {};
  #bytes = 0;

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  get length(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get metrics(): ForwarderSource["metrics"] {
    return this.#answers.metrics;
  }

  get dataPoints(): ForwarderSource["dataPoints"] {
    return this.#answers.dataPoints;
  }

  get isOver(): boolean {
    return this.#queue.isOver;
  }

  async askDataPoints(
    names: readonly string[],
  ): Promise<readonly (readonly [string, Uint8Array | undefined])[]> {
    const { askDataPoints, dataPoints } = this.#answers;
    return askDataPoints?.(names) ?? names.map((name) => [name, dataPoints.get(name)] as const);
  }

  add(objects: readonly WaitingObject[]): void {
    for (const { bytes } of objects) this.#bytes += bytes.length;
    this.#queue.add(objects);
  }

  /** Drops up to this many of the oldest; returns how many there were. */
  dropOldest(count: number, reason: DropReason): number {
    const objects = this.#queue.takeNow(count);
    for (const object of objects) {
      this.#bytes -= object.bytes.length;
      object.dropped(reason);
    }
    return objects.length;
  }

  takeNow(count: number): Uint8Array[] {
    return this.#given(this.#queue.takeNow(count));
  }

  async take(count: number, signal: AbortSignal): Promise<Uint8Array[]> {
    return this.#given(await this.#queue.take(count, signal));
  }

  release(): void {
    this.isConnected = false;
    this.onRelease();
  }

  #given(objects: readonly WaitingObject[]): Uint8Array[] {
    return objects.map((object) => {
      this.#bytes -= object.bytes.length;
      object.taken();
      return object.bytes;
    });
  }
}
