import { ObjectQueue } from "../forwarder/object-queue.js";
import type { ForwarderSource } from "../forwarder/source.js";
import type { MetricValue } from "../protocol/metrics.js";
import { encodeTraceObject, type TraceObject } from "../protocol/trace-object.js";
import { nodeDataPoints } from "./node-data-points.js";

/**
 * What a scripted node sends: an object, with defaults for fields that are not given; its `toMachine` alone; or bytes that
 * are sent in place of an object.
 */
export type ScriptedObject = Partial<TraceObject> | string | Uint8Array;

export interface ScriptedSourceOptions {
  /** The node's name, any text. @default it has no `NodeInfo` */
  readonly name?: string | undefined;
  /** Objects to send at once. */
  readonly objects?: readonly ScriptedObject[];
}

/** A node that sends what the test gives it, when the test gives it; nothing is ever dropped. */
export class ScriptedSource implements ForwarderSource {
  /** The test may change them, and the data points, at any time. */
  readonly metrics = new Map<string, MetricValue>();
  readonly dataPoints: Map<string, Uint8Array | undefined>;
  readonly #queue = new ObjectQueue();

  constructor(options: ScriptedSourceOptions = {}) {
    this.dataPoints = nodeDataPoints(options.name);
    this.send(...(options.objects ?? []));
  }

  /** Objects that are not asked for yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  get isOver(): boolean {
    return this.#queue.isOver;
  }

  send(...objects: readonly ScriptedObject[]): void {
    this.#queue.add(objects.map(encoded));
  }

  /** Nothing more will be sent. */
  end(): void {
    this.#queue.end();
  }

  takeNow(count: number): readonly Uint8Array[] {
    return this.#queue.takeNow(count);
  }

  take(count: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    return this.#queue.take(count, signal);
  }
}

function encoded(object: ScriptedObject): Uint8Array {
  if (object instanceof Uint8Array) return object;
  const given = typeof object === "string" ? { machine: object } : object;
  return encodeTraceObject({ ...usualObject(), ...given });
}

function usualObject(): TraceObject {
  return {
    human: undefined,
    machine: "{}",
    namespace: ["Test"],
    severity: "Info",
    details: "DNormal",
    timestamp: { seconds: Math.floor(Date.now() / 1_000), picoseconds: 0 },
    host: "test",
    thread: "1",
  };
}
