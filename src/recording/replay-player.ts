import { type ForwarderClock, systemClock } from "../forwarder/clock.js";
import { ObjectQueue } from "../forwarder/object-queue.js";
import type { ForwarderSource } from "../forwarder/source.js";
import { nodeInfoName } from "../nodes/node-info.js";
import type { MetricValue } from "../protocol/metrics.js";
import type { ForwarderMessage } from "./recorded-forwarder.js";
import type { ReplayTrack } from "./replay-track.js";

export interface PlayOptions {
  /** The name that the node gives itself. */
  readonly name: string;
  /** Recorded seconds per second; infinite: as fast as objects are asked for. */
  readonly speed: number;
  /** How often the track is played; infinite: until it is stopped. */
  readonly loops: number;
  /** Only what was sent at this time or later, and before `to`; microseconds since 1970. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** The recorded time that is due at once. @default the beginning of the track, or `from` */
  readonly origin?: number | undefined;
  /** @default the system's */
  readonly clock?: ForwarderClock | undefined;
}

/** Most objects that are due and not asked for yet; beyond that the track waits. */
const maxWaitingObjects = 4_096;

/**
 * Plays one node's track: what is due waits to be asked for, and metrics and data points are those the node had sent
 * by then. Nothing is ever dropped; a tracer that asks slowly makes the replay late.
 */
export class ReplayPlayer implements ForwarderSource {
  readonly #track: ReplayTrack;
  readonly #options: PlayOptions;
  readonly #clock: ForwarderClock;
  readonly #stopping = new AbortController();
  readonly #playing: Promise<void>;
  readonly #metrics = new Map<string, MetricValue>();
  readonly #points: Map<string, Uint8Array | undefined>;
  readonly #due = new ObjectQueue();
  #taken = 0;
  #failure: unknown;

  constructor(track: ReplayTrack, options: PlayOptions) {
    this.#track = track;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#points = new Map(track.dataPoints);
    this.#rename();
    this.#playing = this.#play();
  }

  /** Objects taken so far. */
  get taken(): number {
    return this.#taken;
  }

  get isOver(): boolean {
    return this.#due.isOver;
  }

  /** What the node had sent by now. */
  get metrics(): ReadonlyMap<string, MetricValue> {
    return this.#metrics;
  }

  get dataPoints(): ReadonlyMap<string, Uint8Array | undefined> {
    return this.#points;
  }

  /** Why the track ended early: the error from reading it. */
  get failure(): unknown {
    return this.#failure;
  }

  takeNow(count: number): Uint8Array[] {
    return this.#counted(this.#due.takeNow(count));
  }

  async take(count: number, signal: AbortSignal): Promise<Uint8Array[]> {
    return this.#counted(await this.#due.take(count, signal));
  }

  /** Idempotent; waits. What is due can still be taken. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#playing;
  }

  #counted(objects: Uint8Array[]): Uint8Array[] {
    this.#taken += objects.length;
    return objects;
  }

  async #play(): Promise<void> {
    try {
      for (let loop = 0; loop < this.#options.loops && !this.#stopping.signal.aborted; loop += 1) {
        if (!(await this.#playOnce())) break;
      }
    } catch (error) {
      this.#failure = error;
    }
    this.#due.end();
  }

  /** Returns whether there was anything to play: an endless loop over nothing must end. */
  async #playOnce(): Promise<boolean> {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, speed } = this.#options;
    const { origin = Math.max(from, this.#track.began) } = this.#options;
    const { signal } = this.#stopping;
    const startedAt = this.#clock.now();
    let hadObjects = false;
    for await (const { at, message } of this.#track.events()) {
      if (at >= to) break;
      const isObjects = message.kind === "objects";
      if (at >= from) {
        const earlyMs = startedAt + (at - origin) / 1_000 / speed - this.#clock.now();
        if (earlyMs > 0) await this.#clock.sleep(earlyMs, signal);
        await this.#due.hasRoom(maxWaitingObjects, signal);
        hadObjects ||= isObjects;
      } else if (isObjects) continue;
      if (signal.aborted) break;
      this.#send(message);
    }
    return hadObjects;
  }

  #send(message: ForwarderMessage): void {
    switch (message.kind) {
      case "objects":
        this.#due.add(message.objects);
        return;
      case "metrics":
        for (const [name, value] of message.metrics) this.#metrics.set(name, value);
        return;
      case "data-points":
        for (const [name, value] of message.points) this.#points.set(name, value);
        this.#rename();
        return;
    }
  }

  #rename(): void {
    this.#points.set(nodeInfoName, renamed(this.#points.get(nodeInfoName), this.#options.name));
  }
}

/** A `NodeInfo` with this name: the recorded one, or one with only the required fields. */
function renamed(recorded: Uint8Array | undefined, name: string): Uint8Array {
  return Buffer.from(
    JSON.stringify({ ...(recorded === undefined ? unknownNode : parsed(recorded)), niName: name }),
  );
}

const unknownNode = {
  niName: "",
  niProtocol: "",
  niVersion: "",
  niCommit: "",
  niStartTime: "1970-01-01T00:00:00Z",
  niSystemStartTime: "1970-01-01T00:00:00Z",
};

function parsed(info: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(
      Buffer.from(info.buffer, info.byteOffset, info.byteLength).toString("utf8"),
    );
    return typeof value === "object" && value !== null ? value : unknownNode;
  } catch {
    return unknownNode;
  }
}
