import type { NodeIdentity } from "../../nodes/identity.js";
import { severities, type TraceBatch } from "../../protocol/trace-batch.js";
import type { BestEffortSink, ObjectAccount, SinkHealth, SinkMetric } from "../sink.js";
import { type KnownNode, KnownNodes } from "./known-nodes.js";
import type { LiveFilter } from "./live-filter.js";
import { ObjectUnderWay, SeenObject } from "./live-object.js";
import { TimeBudget } from "./time-budget.js";
import { type Send, ViewerQueue } from "./viewer-queue.js";

export interface LiveSinkOptions {
  /** How much time viewers may take. @default a small share, larger while the event loop is idle */
  readonly budget?: TimeBudget;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
  /** @default 100 */
  readonly maxViewers?: number;
  /** Of all viewers together. @default 67_108_864 */
  readonly maxBytes?: number;
}

/** A viewer. */
export interface Viewer {
  /** It has left. Idempotent. */
  end(): void;
}

/** All viewers with the same filter. */
interface Watch {
  readonly filter: LiveFilter;
  readonly viewers: Set<ViewerQueue>;
}

export const liveSinkName = "live";

/** Pause between two messages to a viewer, in milliseconds. */
const flushEveryMs = 100;
/** However few watch. */
const mostBytesOfOne = 4 * 2 ** 20;
/** Objects between two checks of the clock. */
const objectsPerLook = 16;

const severityIndex = new Map(severities.map((severity, index) => [severity, index]));

/**
 * Shows trace objects to viewers only: objects that pass no viewer's filter are not counted at this sink. Viewers may miss
 * objects, and are told so; the pipeline never waits for them, nor gives them more than their time budget.
 */
export class LiveSink implements BestEffortSink {
  readonly kind = "best-effort";
  readonly name = liveSinkName;
  readonly #budget: TimeBudget;
  readonly #now: () => number;
  readonly #maxViewers: number;
  readonly #maxBytes: number;
  readonly #nodes: KnownNodes;
  readonly #watches = new Map<string, Watch>();
  /** The watches that want a node, by its connection; rebuilt after each change. */
  readonly #watchesOfNode = new Map<string, readonly Watch[]>();
  readonly #startedAt = Date.now();
  #viewers = 0;
  #missed = 0;
  #skipped = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LiveSinkOptions = {}) {
    this.#budget = options.budget ?? new TimeBudget();
    this.#now = options.now ?? Date.now;
    this.#maxViewers = options.maxViewers ?? 100;
    this.#maxBytes = options.maxBytes ?? 64 * 2 ** 20;
    this.#nodes = new KnownNodes(this.#now);
  }

  get metrics(): readonly SinkMetric[] {
    const one = (type: SinkMetric["type"], name: string, help: string, read: () => number): SinkMetric => ({
      name: `muninn_live_${name}`,
      help,
      type,
      read: () => [[{}, read()]],
    });
    return [
      one("gauge", "viewers", "Viewers of live trace objects.", () => this.#viewers),
      one("gauge", "queue_bytes", "Memory in bytes of trace objects that wait for viewers.", () =>
        this.#bytes(),
      ),
      one(
        "counter",
        "missed_total",
        "Trace objects that viewers missed because they were slow, counted for each viewer.",
        () => this.#missed,
      ),
      one(
        "counter",
        "skipped_total",
        "Trace objects not compared with viewers' filters for lack of time.",
        () => this.#skipped,
      ),
    ];
  }

  /** The nodes connected now or within the last hour. */
  nodes(): Iterable<KnownNode> {
    return this.#nodes.all();
  }

  /** Shows objects that pass the filter from now on; undefined if there are too many viewers. */
  watch(filter: LiveFilter, send: Send): Viewer | undefined {
    if (this.#stopped || this.#viewers >= this.#maxViewers) return undefined;
    const watch = this.#watches.get(filter.key) ?? { filter, viewers: new Set() };
    const queue = new ViewerQueue({
      send,
      maxBytes: () => Math.min(mostBytesOfOne, this.#maxBytes / this.#viewers),
      onMissed: (objects) => {
        this.#missed += objects;
      },
    });
    watch.viewers.add(queue);
    this.#watches.set(filter.key, watch);
    this.#viewers += 1;
    this.#watchesOfNode.clear();
    this.#timer ??= setInterval(() => this.flush(), flushEveryMs).unref();
    return { end: () => this.#leave(watch, queue) };
  }

  open(node: NodeIdentity, account: ObjectAccount): void {
    this.#nodes.open(node, account);
  }

  offer(node: NodeIdentity, batch: TraceBatch): void {
    const known = this.#nodes.of(node.name);
    if (known === undefined) return;
    const bySeverity = known.pulse.count(batch, this.#now());
    if (this.#viewers === 0) return;
    const watches = this.#watchesFor(node);
    if (watches.length > 0) this.#show(node, batch, bySeverity, watches, known.account);
  }

  close(node: NodeIdentity): void {
    this.#nodes.close(node);
    this.#watchesOfNode.delete(node.connectionId);
  }

  /** Sends each viewer what waits for it; called a few times a second while there are viewers. */
  flush(): void {
    this.#budget.look();
    const begunAt = this.#budget.now();
    for (const { viewers } of this.#watches.values()) for (const viewer of viewers) viewer.flush();
    this.#budget.take(this.#budget.now() - begunAt);
  }

  health(): SinkHealth {
    return { state: "ok", since: this.#startedAt };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const { viewers } of this.#watches.values()) for (const viewer of viewers) viewer.end("stopped");
    this.#watches.clear();
    this.#watchesOfNode.clear();
    this.#viewers = 0;
  }

  #leave(watch: Watch, queue: ViewerQueue): void {
    if (!watch.viewers.delete(queue)) return;
    queue.end("receiver-left");
    if (this.#stopped) return;
    this.#viewers -= 1;
    this.#watchesOfNode.clear();
    if (watch.viewers.size === 0) this.#watches.delete(watch.filter.key);
    if (this.#viewers > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #watchesFor(node: NodeIdentity): readonly Watch[] {
    let watches = this.#watchesOfNode.get(node.connectionId);
    if (watches === undefined) {
      watches = [...this.#watches.values()].filter(({ filter }) => filter.wantsNode(node));
      this.#watchesOfNode.set(node.connectionId, watches);
    }
    return watches;
  }

  /**
   * Shows as many objects as there is time for, and counts the others. `left` has the batch's objects by severity; those that
   * are looked at are taken off. What no severity asks for, or no time is left for, is never looked at one by one.
   */
  #show(
    node: NodeIdentity,
    batch: TraceBatch,
    left: Uint32Array,
    watches: readonly Watch[],
    account: ObjectAccount,
  ): void {
    const least = leastOf(watches);
    if (sumFrom(left, least) === 0) return;
    const { creditMs } = this.#budget;
    if (creditMs <= 0) {
      this.#skip(left, watches, least);
      return;
    }
    const begunAt = this.#budget.now();
    const endsAt = begunAt + creditMs;
    let looked = 0;
    let isOver = false;
    for (let index = 0; index < batch.length && !isOver; index += 1) {
      const severity = severityIndex.get(batch.severity(index))!;
      if (severity < least) continue;
      isOver = this.#showOne(new SeenObject(node, batch, index), severity, watches, account, endsAt);
      left[severity]! -= 1;
      looked += 1;
      if (!isOver && looked % objectsPerLook === 0) isOver = this.#budget.now() >= endsAt;
    }
    if (isOver) this.#skip(left, watches, least);
    this.#budget.take(this.#budget.now() - begunAt);
  }

  /** Tells viewers how many objects of the severities they want are left out. */
  #skip(left: Uint32Array, watches: readonly Watch[], least: number): void {
    this.#skipped += sumFrom(left, least);
    for (const { filter, viewers } of watches) {
      const skipped = sumFrom(left, filter.least);
      for (const viewer of viewers) viewer.skip(skipped);
    }
  }

  /** Returns whether the time is used up; filters not reached have missed the object. */
  #showOne(
    object: SeenObject,
    severity: number,
    watches: readonly Watch[],
    account: ObjectAccount,
    endsAt: number,
  ): boolean {
    let underWay: ObjectUnderWay | undefined;
    let isOver = false;
    for (const { filter, viewers } of watches) {
      if (severity < filter.least) continue;
      if (isOver && filter.isSlow) {
        this.#skipped += 1;
        for (const viewer of viewers) viewer.skip(1);
        continue;
      }
      const passes = filter.passes(object);
      if (filter.isSlow && this.#budget.now() >= endsAt) isOver = true;
      if (!passes) continue;
      if (underWay === undefined) {
        account.received(1, object.bytes);
        underWay = new ObjectUnderWay(object.toJson(), account);
      }
      for (const viewer of viewers) viewer.add(underWay);
    }
    underWay?.release();
    return isOver;
  }

  #bytes(): number {
    let bytes = 0;
    for (const { viewers } of this.#watches.values()) for (const viewer of viewers) bytes += viewer.bytes;
    return bytes;
  }
}

/** The least severity that any of them wants. */
function leastOf(watches: readonly Watch[]): number {
  let least: number = severities.length;
  for (const { filter } of watches) least = Math.min(least, filter.least);
  return least;
}

/** How many objects are of this severity, or worse. */
function sumFrom(bySeverity: Uint32Array, least: number): number {
  let sum = 0;
  for (let severity = least; severity < bySeverity.length; severity += 1) sum += bySeverity[severity]!;
  return sum;
}
