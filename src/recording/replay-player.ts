import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { ForwarderSource } from "../forwarder/source.js";
import { nodeInfoName } from "../nodes/node-info.js";
import type { MetricValue } from "../protocol/metrics.js";
import type { ReplayEvent, ReplayTrack } from "./replay-track.js";

export interface ReplayOptions {
  /** What the node calls itself. */
  readonly name: string;
  /** Recorded seconds in one second; infinite: as fast as objects are asked for. */
  readonly speed: number;
  /** Times the track is played. Infinite: until it is stopped. */
  readonly loops: number;
  /** Only what was said from here on, and before `to`; microseconds since 1970. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** What was said then is due at once. @default the beginning of the track, or `from` */
  readonly origin?: number | undefined;
  /** Stands in for the clock in tests, in milliseconds. */
  readonly clock?: ReplayClock;
}

export interface ReplayClock {
  now(): number;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Objects that are due and not asked for yet; beyond this many the track waits. */
const maxWaitingObjects = 4_096;

/**
 * Plays one node's track: what is due waits to be asked for, and metrics and data points are those the node had told
 * by then. Nothing is ever thrown away; a tracer that asks slowly makes the replay late.
 */
export class ReplayPlayer implements ForwarderSource {
  readonly #track: ReplayTrack;
  readonly #options: ReplayOptions;
  readonly #clock: ReplayClock;
  readonly #stopping = new AbortController();
  readonly #playing: Promise<void>;
  readonly #metrics = new Map<string, MetricValue>();
  readonly #points: Map<string, Uint8Array | undefined>;
  #waiting: Uint8Array[] = [];
  #taken = 0;
  #isOver = false;
  #failure: unknown;
  /** Called when objects came, were taken, or will come no more. */
  #changed: (() => void)[] = [];

  constructor(track: ReplayTrack, options: ReplayOptions) {
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

  /** Everything was said and taken. */
  get isOver(): boolean {
    return this.#isOver && this.#waiting.length === 0;
  }

  /** What the node had told by now. */
  get metrics(): ReadonlyMap<string, MetricValue> {
    return this.#metrics;
  }

  get dataPoints(): ReadonlyMap<string, Uint8Array | undefined> {
    return this.#points;
  }

  /** Up to `count` objects that are due now, in order, as they were recorded. */
  takeNow(count: number): Uint8Array[] {
    const objects = this.#waiting.splice(0, count);
    this.#taken += objects.length;
    if (objects.length > 0) this.#wake();
    return objects;
  }

  /** Why the track ended early: what reading it has thrown. */
  get failure(): unknown {
    return this.#failure;
  }

  /** As `takeNow`, and waits for the first; empty where no more will come or `signal` is aborted. */
  async take(count: number, signal: AbortSignal): Promise<Uint8Array[]> {
    while (this.#waiting.length === 0 && !this.#isOver && !signal.aborted) await this.#change(signal);
    return signal.aborted ? [] : this.takeNow(count);
  }

  /** Idempotent; waits. What is due can still be taken. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#playing;
  }

  async #play(): Promise<void> {
    try {
      for (let loop = 0; loop < this.#options.loops && !this.#stopping.signal.aborted; loop += 1) {
        if (!(await this.#playOnce())) break;
      }
    } catch (error) {
      this.#failure = error;
    }
    this.#isOver = true;
    this.#wake();
  }

  /** Whether there was anything to play: an endless loop over nothing must end. */
  async #playOnce(): Promise<boolean> {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = this.#options;
    const { origin = Math.max(from, this.#track.began) } = this.#options;
    const startedAt = this.#clock.now();
    let hadObjects = false;
    for await (const event of this.#track.events()) {
      if (event.at >= to) break;
      if (event.at >= from) {
        await this.#untilDue(startedAt + (event.at - origin) / 1_000 / this.#options.speed);
        await this.#untilRoom();
        if (event.said.kind === "objects") hadObjects = true;
      } else if (event.said.kind === "objects") continue;
      if (this.#stopping.signal.aborted) break;
      this.#say(event);
    }
    return hadObjects;
  }

  async #untilDue(due: number): Promise<void> {
    const early = due - this.#clock.now();
    if (early > 0) await this.#clock.sleep(early, this.#stopping.signal);
  }

  async #untilRoom(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#waiting.length >= maxWaitingObjects && !signal.aborted) await this.#change(signal);
  }

  #say({ said }: ReplayEvent): void {
    switch (said.kind) {
      case "objects":
        for (const object of said.objects) this.#waiting.push(object);
        this.#wake();
        return;
      case "metrics":
        for (const [name, value] of said.metrics) this.#metrics.set(name, value);
        return;
      case "data-points":
        for (const [name, value] of said.points) this.#points.set(name, value);
        this.#rename();
        return;
    }
  }

  #rename(): void {
    this.#points.set(nodeInfoName, renamed(this.#points.get(nodeInfoName), this.#options.name));
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

/** A `NodeInfo` with this name: the recorded one, or the least that one must have. */
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

const systemClock: ReplayClock = {
  now: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    // Longer than a timer can be set: the rest is slept when that is over.
    for (let left = milliseconds; left > 0 && !signal.aborted; left -= 2 ** 31 - 1)
      await delay(Math.min(left, 2 ** 31 - 1), undefined, { signal }).catch(() => {});
  },
};
