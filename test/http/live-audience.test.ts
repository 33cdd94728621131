import { EventEmitter } from "node:events";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { BodyBudget } from "../../src/http/body-budget.js";
import { LiveAudience } from "../../src/http/live-audience.js";
import { LiveViewer } from "../../src/http/live-viewer.js";
import type { NodeMetrics } from "../../src/metrics/node/node-metrics.js";
import { give, metricsOf } from "../metrics/node/metric-sets.js";

/** A page that can stop reading. */
class FakePage extends EventEmitter {
  readonly readyState = 1;
  isReading = true;
  readonly updates: { absent?: boolean; whole?: boolean; metrics?: [string, string, string][] }[] = [];
  readonly #unread: (() => void)[] = [];
  isTerminated = false;
  #text = "";

  terminate(): void {
    this.isTerminated = true;
    this.emit("close");
  }

  send(chunk: Buffer, { fin }: { fin: boolean }, done?: () => void): void {
    this.#text += chunk.toString();
    if (fin) {
      this.updates.push(JSON.parse(this.#text));
      this.#text = "";
    }
    if (done === undefined) return;
    if (this.isReading) done();
    else this.#unread.push(done);
  }

  /** Reads the pending updates. */
  resume(): void {
    this.isReading = true;
    for (const done of this.#unread.splice(0)) done();
  }
}

let budget: BodyBudget;
let metrics: NodeMetrics | undefined;
let audience: LiveAudience;
let mayRemember: boolean;
let errors: unknown[];

beforeEach(() => {
  budget = new BodyBudget({ maxBytes: 100_000 });
  vi.spyOn(budget, "render");
  metrics = metricsOf([["a", "g", 1n]]);
  mayRemember = true;
  errors = [];
  audience = new LiveAudience({
    metrics: () => metrics,
    budget,
    mayRemember: () => mayRemember,
    onError: (error) => errors.push(error),
  });
});

function join(): FakePage {
  const page = new FakePage();
  audience.viewers.add(new LiveViewer(page as unknown as WebSocket, budget));
  return page;
}

function set(value: bigint | string): void {
  const metric =
    typeof value === "string" ? ({ kind: "label", value } as const) : ({ kind: "gauge", value } as const);
  give(metrics!, [["a", metric]], { whole: false, nowMs: Number(metrics!.version) });
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
}

/** The last value of `a` that a page received. */
const shown = (page: FakePage) => page.updates.at(-1)?.metrics?.find(([name]) => name === "a")?.[2];

describe("viewers of one node", () => {
  test("share the updates that are rendered for them", async () => {
    const pages = Array.from({ length: 100 }, join);
    await Promise.all(pages.map(() => audience.sendToNew()));
    expect(budget.render).toHaveBeenCalledTimes(1);
    set(2n);
    await audience.update();
    expect(budget.render).toHaveBeenCalledTimes(2);
    for (const page of pages) {
      expect(page.updates.map(({ whole }) => whole)).toEqual([true, false]);
      expect(shown(page)).toBe("2");
    }
  });

  test("are told that nothing has changed without rendering anything", async () => {
    const page = join();
    await audience.sendToNew();
    await audience.update();
    expect(budget.render).toHaveBeenCalledTimes(1);
    expect(page.updates.at(-1)).toEqual({ whole: false, metrics: [] });
  });

  test("receive nothing while they do not read, and everything once they read again", async () => {
    const [slow, quick] = [join(), join()];
    slow.isReading = false;
    await audience.sendToNew();
    for (let value = 2n; value < 10n; value += 1n) {
      set(value);
      await audience.update();
    }
    expect(slow.updates).toHaveLength(1);
    expect(quick.updates).toHaveLength(9);
    // Nor is anything rendered for them meanwhile.
    expect(budget.render).toHaveBeenCalledTimes(9);
    slow.resume();
    await audience.update();
    expect(slow.updates.at(-1)?.whole).toBe(true);
    expect(shown(slow)).toBe("9");
    expect(quick.updates.at(-1)).toEqual({ whole: false, metrics: [] });
  });

  test("are disconnected, but not at once, if they do not read and others need their room", async () => {
    const pages = Array.from({ length: 20 }, join);
    const viewers = [...audience.viewers];
    for (const [index, page] of pages.entries()) {
      page.isReading = false;
      audience.viewers.clear();
      audience.viewers.add(viewers[index]!);
      set(`${index} ${"x".repeat(9_000)}`);
      // Each page gets another version, which it does not read, until there is no room for the next.
      void audience.sendToNew();
      await turns();
    }
    const told = pages.filter(({ updates }) => updates.length > 0);
    expect(told.length).toBeGreaterThan(5);
    expect(told.length).toBeLessThan(12);
    for (const viewer of viewers) viewer.endIfSlow();
    expect(pages.some(({ isTerminated }) => isTerminated)).toBe(false);
    const now = performance.now();
    vi.spyOn(performance, "now").mockReturnValue(now + 2_000);
    for (const viewer of viewers) viewer.endIfSlow();
    expect(pages.map(({ isTerminated }) => isTerminated)).toEqual(pages.map((page) => told.includes(page)));
    vi.restoreAllMocks();
    await audience.sendToNew();
    // Now there is room for those that waited.
    expect(pages.at(-1)!.updates.length).toBeGreaterThan(0);
  });

  test("receive everything each time if there is too much to remember", async () => {
    mayRemember = false;
    const page = join();
    await audience.sendToNew();
    for (const value of [2n, 3n]) {
      set(value);
      await audience.update();
    }
    expect(page.updates.map(({ whole }) => whole)).toEqual([true, true, true]);
    expect(shown(page)).toBe("3");
    expect(audience.remembered).toBe(0);
  });

  test("are told that the node left, and receive everything when it is back", async () => {
    const page = join();
    await audience.sendToNew();
    const before = metrics;
    metrics = undefined;
    await audience.update();
    expect(page.updates.at(-1)).toEqual({ absent: true });
    metrics = before;
    await audience.update();
    expect(page.updates.at(-1)?.whole).toBe(true);
  });

  test("survive a fault in Muninn, which is reported", async () => {
    const page = join();
    const fault = new Error("broken");
    vi.mocked(budget.render).mockRejectedValueOnce(fault);
    await audience.sendToNew();
    expect(errors).toEqual([fault]);
    await audience.update();
    expect(shown(page)).toBe("1");
  });

  test("see the last value even if it changed while everything was sent to a new one", async () => {
    const first = join();
    await audience.sendToNew();
    const second = join();
    set(2n);
    const both = [audience.update(), audience.sendToNew()];
    set(3n);
    await Promise.all(both);
    await audience.update();
    const last = (page: FakePage) =>
      page.updates.flatMap(({ metrics: told = [] }) => told.filter(([name]) => name === "a")).at(-1)?.[2];
    expect([last(first), last(second)]).toEqual(["3", "3"]);
  });
});
