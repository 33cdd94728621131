import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { MessageFacts } from "../../../src/sinks/nats/message.js";
import { Senders } from "../../../src/sinks/nats/senders.js";
import { StreamWriter } from "../../../src/sinks/nats/stream-writer.js";
import { eventually } from "../../../src/testing/eventually.js";
import { identity } from "../live/accounts.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function opened(batchBytes = 1_000) {
  const published: { facts: MessageFacts; bytes: number }[] = [];
  const writer = {
    publish: async (facts: MessageFacts, { length: bytes }: Uint8Array) => {
      published.push({ facts, bytes });
      return true;
    },
    giveUp: () => {},
    stop: async () => {},
  };
  const senders = new Senders({ writer: writer as unknown as StreamWriter, batchBytes });
  const send = (name: string, bytes = 10) =>
    new Promise((settle) => senders.of(identity(name)).send([new Uint8Array(bytes)], bytes, settle));
  return { senders, send, published };
}

test("a node's numbers continue when it comes again, and new ones begin for those beyond ten thousand", async () => {
  const { senders, send, published } = opened();
  const leave = async (name: string) => {
    senders.close(identity(name));
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  await send("first");
  await leave("first");
  await send("first");
  for (let count = 1; count < 10_000; count += 1) senders.of(identity(`node-${count}`));
  await leave("first");
  await send("first");
  senders.of(identity("one-too-many"));
  await leave("first");
  await send("first");
  expect(published.map(({ facts }) => facts.first)).toEqual([1, 2, 3, 1]);
  const starts = published.map(({ facts }) => facts.start);
  expect(new Set(starts.slice(0, 3)).size).toBe(1);
  expect(starts[3]).not.toBe(starts[0]);
});

test("a stop ends what repeats", async () => {
  const { senders } = opened();
  expect(vi.getTimerCount()).toBe(1);
  await senders.stop({ deadlineMs: 10 });
  expect(vi.getTimerCount()).toBe(0);
});

test("servers that cannot be reached are reported once a minute, and fail in health after two seconds", async () => {
  const warning = vi.fn();
  const writer = new StreamWriter({
    servers: ["127.0.0.1:1"],
    stream: "TRACES",
    subject: "muninn.trace.{slug}",
    create: undefined,
    timeoutMs: 1_000,
    isRequired: true,
    credentials: {},
    log: { warning, notice: () => {}, info: () => {} } as never,
  });
  await eventually(() => expect(warning).toHaveBeenCalled());
  expect(writer.health().state).toBe("ok");
  vi.setSystemTime(Date.now() + 1_999);
  expect(writer.health().state).toBe("ok");
  vi.setSystemTime(Date.now() + 1);
  expect(writer.health()).toMatchObject({ state: "failing", reason: expect.stringContaining("TRACES") });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(warning).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(60_000);
  await eventually(() => expect(warning).toHaveBeenCalledTimes(2));
  await writer.stop();
});
