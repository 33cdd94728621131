import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Collector, Outcome } from "../../../src/sinks/otlp/collector.js";
import { Senders } from "../../../src/sinks/otlp/senders.js";
import { eventually } from "../../../src/testing/eventually.js";
import { identity } from "../live/accounts.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const node = identity("relay");
const accepted: Outcome = { kind: "accepted", rejected: 0, reason: "", isSent: true };

function opened() {
  const collector = { post: vi.fn(async (_: readonly Uint8Array[]) => accepted), stop: vi.fn() };
  const log = { warning: vi.fn(), notice: vi.fn() };
  const senders = new Senders({
    collector: collector as unknown as Collector,
    where: "http://collector",
    version: "1",
    batchObjects: 10,
    batchBytes: 1_000,
    delayMs: 0,
    isRequired: true,
    log: log as never,
  });
  /** Sends a record of the node; resolves with the request's bytes as text. */
  const send = async (host: string) => {
    const memory = Buffer.alloc(1);
    await new Promise((settle) => senders.of(node, host).send({ bytes: memory, memory, count: 1, settle }));
    return Buffer.concat([...collector.post.mock.calls.at(-1)![0]]).toString("latin1");
  };
  return { senders, collector, send };
}

test("a failure shows in health after two seconds, and as long as nothing is accepted", () => {
  const { senders } = opened();
  const { observer } = senders;
  observer.retrying("no route", 1_000);
  vi.advanceTimersByTime(1_999);
  expect(senders.health().state).toBe("ok");
  vi.advanceTimersByTime(1);
  expect(senders.health()).toMatchObject({ state: "failing", since: Date.now() - 2_000 });
  observer.sent(3, 500);
  expect(senders.health().state).toBe("ok");
  const counts = senders.metrics().map(({ name, read }) => [name, ...[...read()][0]!]);
  expect(counts).toEqual([
    ["muninn_otlp_requests_total", {}, 1],
    ["muninn_otlp_records_total", {}, 3],
    ["muninn_otlp_sent_bytes_total", {}, 500],
    ["muninn_otlp_retries_total", {}, 1],
  ]);
});

test("a node has ten seconds to tell its version, which is forgotten when it leaves, as is its host", async () => {
  const { senders, send } = opened();
  const dataPoints = vi.fn(async () => new Map([["NodeInfo", Buffer.from('{"niVersion":"10.1.4"}')]]));
  senders.begin({ nodes: () => [{ node, session: { dataPoints } }] } as never);
  senders.open(node);
  await eventually(async () => expect(await send("host-1")).toContain("10.1.4"));
  expect(dataPoints.mock.calls).toEqual([[["NodeInfo"], 10_000]]);
  senders.close(node);
  for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  const request = await send("");
  expect(request).not.toContain("10.1.4");
  expect(request).not.toContain("host-1");
});

test("a stop closes the connections to the collector, and ends what repeats", async () => {
  const { senders, collector } = opened();
  expect(vi.getTimerCount()).toBe(1);
  await senders.stop({ deadlineMs: 10 });
  expect(collector.stop).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});
