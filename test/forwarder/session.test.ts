import { afterEach, expect, test, vi } from "vitest";
import { zeroCounts } from "../../src/forwarder/counts.js";
import { ForwarderSession, type SessionOptions } from "../../src/forwarder/session.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { connectionTo, magic } from "./tracer-end.js";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

function open(options: Partial<SessionOptions> = {}) {
  const { side = "opener" } = options;
  const { stream, tracer } = connectionTo(side);
  const counts = zeroCounts();
  const source = new ScriptedSource({ name: "n" });
  const release = vi.fn();
  const openSource = vi.fn(() => Object.assign(source, { release }));
  const faults: string[] = [];
  const session = new ForwarderSession({
    stream,
    side,
    magic,
    openSource,
    counts,
    onChange: () => {},
    onFault: ({ message }) => faults.push(message),
    ...options,
  });
  cleanups.push(() => {
    stream.destroy();
    tracer.stream.destroy();
  });
  return { session, stream, tracer, counts, source, openSource, release, faults };
}

/** Resolves when everything in flight between the in-memory streams has arrived. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test.each(["opener", "listener"] as const)(
  "as %s a session opens its source after the handshake and releases it once when the connection ends",
  async (side) => {
    const { session, tracer, counts, openSource, release } = open({ side });
    await settled();
    expect(openSource).not.toHaveBeenCalled();
    tracer.shakeHands();
    await settled();
    expect(openSource).toHaveBeenCalledTimes(1);
    expect(counts.connections).toBe(1);
    expect(release).not.toHaveBeenCalled();
    tracer.stream.end();
    await session.ended;
    expect(release).toHaveBeenCalledTimes(1);
  },
);

test("a connection that ends before its handshake opens no source", async () => {
  const { session, tracer, openSource } = open({ side: "listener" });
  tracer.stream.end();
  await session.ended;
  expect(openSource).not.toHaveBeenCalled();
});

test.each(["opener", "listener"] as const)(
  "as %s a session reports a refusal at once, even if the tracer keeps the connection open",
  async (side) => {
    const { tracer, stream, counts, faults } = open({ side });
    tracer.shakeHands(7);
    await settled();
    expect(faults).toEqual([expect.stringMatching(/refused: .*42.*7|refused: .*7.*42/)]);
    expect(counts).toMatchObject({ refusals: 1, faults: 0, connections: 0 });
    expect(stream.closed).toBe(false);
  },
);

test("requests are answered in order and in full, however many are pipelined", async () => {
  const { tracer, source } = open();
  tracer.shakeHands();
  for (const count of [2, 1, 2]) tracer.ask(count);
  source.send("a", "b", "c", "d", "e");
  await settled();
  const replies = tracer.messages.map((message) => (message.kind === "objects" ? message.objects.length : 0));
  expect(replies).toEqual([2, 1, 2]);
});

test("a tracer with too many unanswered requests loses its connection", async () => {
  const { session, tracer, counts, faults } = open();
  tracer.shakeHands();
  for (let request = 0; request < 4_096; request += 1) tracer.ask(1);
  await settled();
  expect(faults).toEqual([]);
  tracer.ask(1);
  await settled();
  expect(faults).toEqual([expect.stringContaining("4096 requests")]);
  expect(counts.faults).toBe(1);
  tracer.stream.end();
  await session.ended;
});

test("a tracer that requests data points and never reads them loses its connection before they fill the memory", async () => {
  const { tracer, stream, source, faults } = open();
  const megabyte = 1_000_000;
  source.dataPoints.set("large", Buffer.alloc(megabyte, "1"));
  tracer.shakeHands();
  await settled();
  tracer.stream.pause();
  for (let request = 0; request < 50; request += 1) tracer.askForDataPoints("large");
  await settled();
  expect(faults).toEqual([expect.stringContaining("unread")]);
  expect(stream.writableLength).toBeLessThan(19 * megabyte);
});

test("requests that arrive together are answered one per turn, and too many end the connection", async () => {
  const { tracer, source, counts, faults } = open();
  source.dataPoints.set("small", Buffer.from("1"));
  tracer.shakeHands();
  await settled();
  for (let request = 0; request < 40; request += 1) tracer.askForDataPoints("small");
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(counts.dataPointRequests).toBeLessThan(10);
  for (let round = 0; round < 4; round += 1) await settled();
  expect(counts.dataPointRequests).toBe(40);
  expect(faults).toEqual([]);
  for (let request = 0; request < 200; request += 1) tracer.askForDataPoints("small");
  await settled();
  expect(faults).toEqual([expect.stringContaining("64 requests have no answer yet")]);
});

test("a request for more data points than any tracer needs ends the connection", async () => {
  const { tracer, counts, faults } = open();
  tracer.shakeHands();
  await settled();
  tracer.askForDataPoints(...new Array<string>(101).fill("n"));
  await settled();
  expect(faults).toEqual([expect.stringContaining("expected 100 names at most, found 101")]);
  expect(counts.dataPointRequests).toBe(0);
});

test("a message before the handshake, or a second handshake, ends the connection", async () => {
  const early = open();
  early.tracer.ask(1);
  await settled();
  expect(early.faults).toEqual([expect.stringContaining("while handshaking")]);
  const twice = open();
  twice.tracer.shakeHands();
  twice.tracer.shakeHands();
  await settled();
  expect(twice.faults).toEqual([expect.stringContaining("while connected")]);
});

test("a lingering node keeps its side open for the given time after the tracer has ended its own", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  cleanups.push(() => vi.useRealTimers());
  const { session, tracer, stream, source } = open({ hook: { lingerMs: 1_200 } });
  tracer.shakeHands();
  tracer.ask(10);
  tracer.stream.end();
  source.send("last");
  await settled();
  vi.advanceTimersByTime(1_199);
  await settled();
  expect(tracer.objects).toHaveLength(1);
  expect(stream.writableEnded).toBe(false);
  vi.advanceTimersByTime(1);
  await session.ended;
});

test("data points that come from elsewhere are answered in the order of the requests", async () => {
  const resolves: (() => void)[] = [];
  const askDataPoints = (names: readonly string[]) =>
    new Promise<(readonly [string, undefined])[]>((resolve) =>
      resolves.push(() => resolve(names.map((name) => [name, undefined] as const))),
    );
  const source = Object.assign(new ScriptedSource({ name: "n" }), { askDataPoints });
  const { tracer } = open({ openSource: () => source });
  tracer.shakeHands();
  tracer.askForDataPoints("first");
  tracer.askForDataPoints("second");
  await vi.waitFor(() => expect(resolves).toHaveLength(2));
  resolves[1]!();
  await settled();
  expect(tracer.messages).toEqual([]);
  resolves[0]!();
  await settled();
  expect(tracer.messages.map((message) => message.kind === "data-points" && message.points[0]![0])).toEqual([
    "first",
    "second",
  ]);
});

test("a tracer that does not end its side is left after two seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  cleanups.push(() => vi.useRealTimers());
  const { session, tracer } = open();
  tracer.shakeHands();
  await settled();
  let hasClosed = false;
  const closing = session.close().then(() => {
    hasClosed = true;
  });
  vi.advanceTimersByTime(1_999);
  await settled();
  expect(hasClosed).toBe(false);
  vi.advanceTimersByTime(1);
  await closing;
});

test("an answer delayed by a hook is sent when the hook resolves, and never before", async () => {
  let mayAnswer = () => {};
  const gate = new Promise<void>((resolve) => {
    mayAnswer = resolve;
  });
  const before = (miniProtocol: number) => (miniProtocol === miniProtocols.dataPoints ? gate : undefined);
  const { tracer } = open({ hook: { before } });
  tracer.shakeHands();
  tracer.askForDataPoints("NodeInfo");
  await settled();
  expect(tracer.messages).toEqual([]);
  mayAnswer();
  await settled();
  expect(tracer.messages).toMatchObject([{ kind: "data-points" }]);
});

test("a tracer that requests metrics while it still reads a very large trace object gets both", async () => {
  const { tracer, stream, source, faults } = open();
  tracer.shakeHands();
  await settled();
  tracer.stream.pause();
  source.send("x".repeat(17 * 1_048_576));
  tracer.ask(1);
  await settled();
  expect(stream.writableLength).toBeGreaterThan(16 * 1_048_576);
  tracer.askForDataPoints("NodeInfo");
  await settled();
  tracer.stream.resume();
  await vi.waitFor(
    () => expect(tracer.messages.map(({ kind }) => kind)).toEqual(["objects", "data-points"]),
    {
      timeout: 20_000,
    },
  );
  expect(faults).toEqual([]);
});
