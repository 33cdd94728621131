import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MetricsPoll } from "../../src/nodes/metrics-poll.js";
import { MiniProtocolWriter } from "../../src/nodes/mini-protocol-writer.js";
import { nameOf } from "../../src/nodes/node-info.js";
import type { Session } from "../../src/nodes/session.js";
import { Sessions } from "../../src/nodes/sessions.js";
import { SignsOfLife } from "../../src/nodes/signs-of-life.js";
import { encodeMetricsResponse } from "../../src/protocol/metrics.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { SpareMemory } from "../../src/protocol/spare-memory.js";
import type { ScriptedPeer } from "./scripted-peer.js";
import { begin, quiet, settings, TestHost, until } from "./test-host.js";

// Limits that fail if they are ten times smaller or larger, and what is left when something is over.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function sessions(maxInFlightBytes: number): Sessions {
  return new Sessions({ settings, maxInFlightBytes, destination: {} as never, observer: {} as never });
}

describe("all sessions together", () => {
  test("release memory that was not used for ten seconds, until they stop", async () => {
    const release = vi.spyOn(SpareMemory.prototype, "releaseUnused");
    const all = sessions(1_000_000);
    vi.advanceTimersByTime(9_999);
    expect(release).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(release).toHaveBeenCalledTimes(1);
    await all.stop(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("have a quarter of the memory for answers, and three quarters for trace objects", async () => {
    const all = sessions(1_000_000);
    const share = all.answers.join();
    expect([share.grow(125_001), share.grow(125_000)]).toEqual([false, true]);
    expect([all.budget.allows(750_001), all.budget.allows(750_000)]).toEqual([false, true]);
    await all.stop(100);
  });
});

test("a name is read from up to 16 KiB", () => {
  const info = (bytes: number) => {
    const text = JSON.stringify({ niName: "relay", niVersion: "" });
    return nameOf(new Map([["NodeInfo", Buffer.from(text.padEnd(bytes))]]));
  };
  expect([info(16_384), info(16_385)]).toEqual(["relay", undefined]);
});

test("a peer that leaves more than 256 KiB of requests unread is reported", () => {
  const unread: number[] = [];
  const stream = new Writable({ highWaterMark: 1, write: () => {} });
  const writer = new MiniProtocolWriter(stream as never, "listener", (bytes) => unread.push(bytes));
  // A segment has a head of eight bytes.
  const message = new Uint8Array(1_016);
  for (let count = 0; count < 256; count += 1) writer.send(miniProtocols.metrics, message);
  expect(unread).toEqual([]);
  writer.send(miniProtocols.metrics, message);
  expect(unread).toEqual([257 * 1_024]);
});

describe("answers with metrics that nobody asked for", () => {
  function poll() {
    return new MetricsPoll({
      pace: { pauseMs: 60_000, full: false },
      maxAnswerBytes: 1_000_000,
      silenceMs: 60_000,
      send: () => {},
      quietMs: () => 0,
      onRoundTrip: () => {},
      onAnswer: () => ({ number: () => {}, label: () => {}, surplus: () => {}, end: () => {} }),
      onSilence: () => {},
    });
  }

  test("are sixteen at most", () => {
    const metrics = poll();
    for (let count = 0; count < 16; count += 1) metrics.receive(encodeMetricsResponse([]));
    expect(() => metrics.receive(encodeMetricsResponse([]))).toThrow("metrics answer");
    metrics.end();
  });

  test("have 64 KiB at most after the first", () => {
    const metrics = poll();
    const text = { kind: "label", value: "x".repeat(40_000) } as const;
    const long = encodeMetricsResponse([
      ["a", text],
      ["b", text],
    ]);
    metrics.receive(long);
    metrics.receive(encodeMetricsResponse([]));
    metrics.receive(long.subarray(0, 65_000));
    expect(() => metrics.receive(long.subarray(65_000, 66_000))).toThrow("metrics answer");
    metrics.end();
  });
});

describe("no timer is left", () => {
  test("once a peer has shown that it is alive", async () => {
    const signs = new SignsOfLife();
    const isAlive = signs.within(3_000);
    signs.tell(true);
    expect(await isAlive).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each<readonly [string, (session: Session, peer: ScriptedPeer) => unknown]>([
    ["a stop that its peer ends first", (session, { stream }) => [session.stop(2_000), stream.end()]],
    ["a fault", (_, { stream }) => stream.end(Buffer.alloc(99, 0xff))],
    ["a close", (session) => session.close("for a test")],
  ])("after %s", async (_, end) => {
    const host = new TestHost();
    const { peer, session } = begin({ host });
    await peer.shakeHands();
    await peer.tellName("relay");
    await until(() => host.nodes.length > 0);
    end(session, peer);
    await session.done;
    await quiet();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a close has ended the session when it resolves", async () => {
  const host = new TestHost();
  const { peer, session } = begin({ host });
  await peer.shakeHands();
  await session.close("for a test");
  expect(host.ends).toHaveLength(1);
});

test("a connection that we close before its peer has sent a byte is no probe", async () => {
  const host = new TestHost();
  const { session } = begin({ host });
  await session.stop(1_000);
  expect(host.ends.map(({ fault }) => fault?.fault.code)).toEqual(["closed-by-us"]);
});
