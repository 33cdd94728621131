import { nodeDataPoints } from "../forwarder/node-data-points.js";
import type { ForwarderSource } from "../forwarder/source.js";
import type { MetricValue } from "../protocol/metrics.js";
import { encodeTraceObject, type TraceObject } from "../protocol/trace-object.js";

/** What a scripted node says: an object; its `toMachine` alone, the rest as usual; or bytes that go out in place of one. */
export type ScriptedObject = TraceObject | string | Uint8Array;

export interface ScriptedSourceOptions {
  /** What the node calls itself, any text. @default it has no `NodeInfo` */
  readonly name?: string | undefined;
  /** ForwarderMessage at once. */
  readonly objects?: readonly ScriptedObject[];
}

/** A node that says what it is told to say, when it is told; nothing is ever thrown away. */
export class ScriptedSource implements ForwarderSource {
  /** To be changed at will; so are the data points. */
  readonly metrics = new Map<string, MetricValue>();
  readonly dataPoints: Map<string, Uint8Array | undefined>;
  readonly #waiting: Uint8Array[] = [];
  #ended = false;
  /** Called when there is something new. */
  #changed: (() => void)[] = [];

  constructor(options: ScriptedSourceOptions = {}) {
    this.dataPoints = nodeDataPoints(options.name);
    this.say(...(options.objects ?? []));
  }

  /** Objects that nobody has asked for yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get isOver(): boolean {
    return this.#ended && this.#waiting.length === 0;
  }

  say(...objects: readonly ScriptedObject[]): void {
    this.#waiting.push(...objects.map(encoded));
    this.#wake();
  }

  /** Nothing more will be said. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  takeNow(count: number): readonly Uint8Array[] {
    return this.#waiting.splice(0, count);
  }

  async take(count: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    while (this.#waiting.length === 0 && !this.#ended && !signal.aborted) await this.#change(signal);
    return signal.aborted ? [] : this.takeNow(count);
  }

  #wake(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }

  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      signal.addEventListener("abort", done);
      this.#changed.push(done);
    });
  }
}

function encoded(object: ScriptedObject): Uint8Array {
  if (object instanceof Uint8Array) return object;
  return encodeTraceObject(typeof object === "string" ? usualObject(object) : object);
}

function usualObject(machine: string): TraceObject {
  const seconds = Math.floor(Date.now() / 1_000);
  return {
    human: undefined,
    machine,
    namespace: ["Test"],
    severity: "Info",
    details: "DNormal",
    timestamp: { seconds, picoseconds: 0 },
    host: "test",
    thread: "1",
  };
}
