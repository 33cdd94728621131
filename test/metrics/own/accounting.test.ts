import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OwnMetrics } from "../../../src/metrics/own/own-metrics.js";
import type { NodeIdentity } from "../../../src/nodes/identity.js";
import { keptAfterLeavingMs } from "../../../src/sinks/accounting.js";
import { Router } from "../../../src/sinks/router.js";
import { type RequiredSink, SinkError } from "../../../src/sinks/sink.js";
import { batchOf } from "../../batches.js";
import { ownSources } from "./sources.js";

/** Refuses every batch while it is stopped. */
class SwitchedSink implements RequiredSink {
  readonly whenStuck = "";
  readonly kind = "required";
  readonly name: string;
  stopped = false;

  constructor(name: string) {
    this.name = name;
  }

  open(): void {}
  close(): void {}
  async drained(): Promise<void> {}
  async stop(): Promise<void> {}

  async write(): Promise<undefined> {
    if (this.stopped) throw new SinkError("stopped");
  }

  health(): { state: "ok"; since: number } {
    return { state: "ok", since: 0 };
  }
}

const unwatched = { writing: () => () => {}, failed: () => {} };

const identity = (name: string): NodeIdentity => ({ connectionId: name, name, directory: name, slug: name });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The counts in `/metrics/self`, by name of the metric and labels of node and sink. */
async function counts(own: OwnMetrics): Promise<Map<string, number>> {
  const { body } = await own.exposition("text");
  const sums = new Map<string, number>();
  const lines = body.matchAll(
    /^muninn_objects_(received|written|dropped)_total\{(node="\w*",sink="\w+")\S*\} (\d+)$/gm,
  );
  for (const [, what, series, value] of lines) {
    const key = `${what} ${series}`;
    sums.set(key, (sums.get(key) ?? 0) + Number(value));
  }
  return sums;
}

const step = fc.oneof(
  fc.record({ do: fc.constant("batch" as const), node: fc.nat(3), objects: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constantFrom("open" as const, "close" as const), node: fc.nat(3) }),
  fc.record({ do: fc.constant("switch" as const), node: fc.nat(1) }),
  fc.record({ do: fc.constant("wait" as const), node: fc.nat(2 * keptAfterLeavingMs) }),
);

test("received = written + dropped, for each node and sink, whoever connects, leaves and is stopped", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const sinks = [new SwitchedSink("a"), new SwitchedSink("b")];
      const router = new Router(sinks, unwatched);
      const own = new OwnMetrics(ownSources({ accounts: () => router.accounting.entries() }));
      const connections = [0, 0, 0, 0];
      let received = 0;
      for (const taken of steps) {
        const node = identity(`relay${taken.node}`);
        switch (taken.do) {
          case "open":
            connections[taken.node]! += 1;
            router.open(node);
            break;
          case "close":
            if (connections[taken.node]! === 0) break;
            connections[taken.node]! -= 1;
            router.close(node);
            break;
          case "batch":
            if (connections[taken.node]! === 0) break;
            received += taken.objects;
            await router.write(node, batchOf(Array.from({ length: taken.objects }, () => ({}))));
            break;
          case "switch":
            sinks[taken.node]!.stopped = !sinks[taken.node]!.stopped;
            break;
          case "wait":
            vi.setSystemTime(Date.now() + taken.node);
            break;
        }
      }
      const all = await counts(own);
      let sum = 0;
      for (const [key, value] of all) {
        if (!key.startsWith("received ")) continue;
        const series = key.slice("received ".length);
        expect(all.get(`written ${series}`)! + all.get(`dropped ${series}`)!).toBe(value);
        sum += value;
      }
      expect(sum).toBe(received * sinks.length);
    }),
    { numRuns: 40 },
  );
});

test("a node that left keeps its own series for ten minutes, then its counts move to the empty name", async () => {
  const router = new Router([new SwitchedSink("a")], unwatched);
  const own = new OwnMetrics(ownSources({ accounts: () => router.accounting.entries() }));
  const relay = identity("relay");
  router.open(relay);
  await router.write(relay, batchOf([{}, {}]));
  router.close(relay);
  vi.setSystemTime(Date.now() + keptAfterLeavingMs - 1);
  expect((await counts(own)).get('received node="relay",sink="a"')).toBe(2);
  vi.setSystemTime(Date.now() + 1);
  const folded = await counts(own);
  expect(folded.get('received node="relay",sink="a"')).toBeUndefined();
  expect(folded.get('received node="",sink="a"')).toBe(2);
});
