import type { NodeMetric, NodeMetrics } from "../metrics/node/node-metrics.js";
import { type Body, bodyOf } from "./body.js";
import type { BodyBudget } from "./body-budget.js";
import { ekgTypes } from "./ekg-json.js";
import type { LiveViewer } from "./live-viewer.js";

type SentMetrics = ReadonlyMap<string, NodeMetric>;
type Entries = readonly (readonly [name: string, metric: NodeMetric])[];

/**
 * A page gets an update once a second, as JSON: `{whole, metrics: [[name, type, value], …]}`, or `{absent: true}` if the node is
 * not connected. Numbers are texts, because JavaScript's are exact only up to 2^53. `whole`: these are all metrics, forget
 * others.
 */
const absent = bodyOf('{"absent":true}', { gzip: false });
const nothingNew = bodyOf('{"whole":false,"metrics":[]}', { gzip: false });

export interface AudienceOptions {
  /** The node's metrics, while it is connected. */
  readonly metrics: () => NodeMetrics | undefined;
  readonly budget: BodyBudget;
  /** Asks whether this many metrics may be remembered, instead of the earlier number. */
  readonly mayRemember: (metrics: number, before: number) => boolean;
  /** Called with errors in Muninn. */
  readonly onError: (error: unknown) => void;
}

/** The viewers of one node's page, which share their updates. */
export class LiveAudience {
  readonly viewers = new Set<LiveViewer>();
  readonly #options: AudienceOptions;
  /** The values last sent to all viewers; undefined if they are too many to remember, or the node was absent. */
  #lastSent: SentMetrics | undefined;
  #lastVersion: number | undefined;
  #work: Promise<void> = Promise.resolve();
  #isSendingToNew = false;

  constructor(options: AudienceOptions) {
    this.#options = options;
  }

  /** Metrics remembered. */
  get remembered(): number {
    return this.#lastSent?.size ?? 0;
  }

  /** Sends everything to new viewers. */
  sendToNew(): Promise<void> {
    if (this.#isSendingToNew) return this.#work;
    this.#isSendingToNew = true;
    return this.#inTurn(async () => {
      this.#isSendingToNew = false;
      const metrics = this.#options.metrics();
      if (metrics === undefined) return this.#sendAbsence();
      const { version } = metrics;
      const entries = metrics.entries();
      if (this.#lastSent === undefined) this.#remember(entries, version);
      await this.#sendWhole(entries);
    });
  }

  /** Sends what has changed, and everything to viewers that missed something. */
  update(): Promise<void> {
    return this.#inTurn(async () => {
      const metrics = this.#options.metrics();
      if (metrics === undefined) return this.#sendAbsence();
      const { version } = metrics;
      if (version === this.#lastVersion && this.#lastSent !== undefined) {
        this.#send(nothingNew, ({ isUpToDate }) => isUpToDate);
        if (this.#someMissedSomething()) await this.#sendWhole(metrics.entries());
        return;
      }
      const entries = metrics.entries();
      const changed = changesSince(this.#lastSent, entries);
      if (changed === undefined) {
        for (const viewer of this.viewers) viewer.isUpToDate = false;
      } else {
        const changes = await this.#rendered(false, changed);
        if (changes !== undefined) this.#send(changes, ({ isUpToDate }) => isUpToDate);
        else for (const viewer of this.viewers) viewer.isUpToDate = false;
      }
      this.#remember(entries, version);
      if (this.#someMissedSomething()) await this.#sendWhole(entries);
    });
  }

  /** Runs tasks one after the other, so that no viewer gets older values after newer ones. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work
      .then(() => (this.viewers.size > 0 ? work() : undefined))
      .catch(this.#options.onError);
    return this.#work;
  }

  #someMissedSomething(): boolean {
    for (const { isUpToDate, isReading } of this.viewers) if (!isUpToDate && isReading) return true;
    return false;
  }

  async #sendWhole(entries: Entries): Promise<void> {
    const whole = await this.#rendered(true, entries);
    if (whole !== undefined) this.#send(whole, ({ isUpToDate }) => !isUpToDate);
  }

  #sendAbsence(): void {
    this.#lastSent = undefined;
    this.#send(absent, () => true);
    for (const viewer of this.viewers) viewer.isUpToDate = false;
  }

  #send(body: Body, isMeant: (viewer: LiveViewer) => boolean): void {
    for (const viewer of this.viewers) if (isMeant(viewer)) viewer.tell(body);
  }

  #remember(entries: Entries, version: number): void {
    this.#lastSent = this.#options.mayRemember(entries.length, this.remembered)
      ? new Map(entries)
      : undefined;
    this.#lastVersion = version;
  }

  #rendered(whole: boolean, entries: Entries): Promise<Body | undefined> {
    const bytes = entries.reduce((sum, [name, { value }]) => sum + 100 + 2 * name.length + sizeOf(value), 0);
    return this.#options.budget.render({ pieces: () => updatePieces(whole, entries), bytes, gzip: false });
  }
}

/** The changes; undefined if everything must be sent: nothing is remembered, or a remembered name is gone. */
function changesSince(before: SentMetrics | undefined, entries: Entries): Entries | undefined {
  if (before === undefined) return undefined;
  let stayed = 0;
  const changed = entries.filter(([name, { kind, value }]) => {
    const old = before.get(name);
    if (old !== undefined) stayed += 1;
    return old?.kind !== kind || old.value !== value;
  });
  return stayed < before.size ? undefined : changed;
}

function* updatePieces(whole: boolean, entries: Entries): Generator<string> {
  yield `{"whole":${whole},"metrics":[`;
  for (const [index, [name, { kind, value }]] of entries.entries()) {
    yield `${index === 0 ? "" : ","}${JSON.stringify([name, ekgTypes[kind], value.toString()])}`;
  }
  yield "]}";
}

function sizeOf(value: NodeMetric["value"]): number {
  return typeof value === "string" ? 2 * value.length : 20;
}
