import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { replyOf, ScriptedPeer } from "./scripted-peer.js";
import { begin, quiet, TestHost, until } from "./test-host.js";

// Each limit has a test that fails if it is ten times shorter or longer: nothing has happened just before, everything just after.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets this much time pass, and then everything pending happen. */
async function pass(milliseconds: number): Promise<void> {
  vi.advanceTimersByTime(milliseconds);
  await quiet();
}

const usual = { handshakeTimeoutMs: 10_000, nameTimeoutMs: 10_000, silenceMs: 30_000 };

async function named(options: { host?: TestHost; id?: string; requestsAhead?: number } = {}) {
  const { host = new TestHost(), id = "unix-1", requestsAhead = 1 } = options;
  const all = begin({ settings: { ...usual, requestsAhead }, host, peer: new ScriptedPeer(id) });
  await all.peer.shakeHands();
  await all.peer.tellName("relay");
  await until(() => host.nodes.some(({ connectionId }) => connectionId === id));
  return all;
}

describe("a handshake", () => {
  test("has ten seconds, even for a peer that sends a byte now and then", async () => {
    const { peer, host, session } = begin({ settings: usual });
    for (let n = 0; n < 5; n += 1) {
      await pass(1_999);
      peer.stream.write(Uint8Array.of(0));
      await quiet();
    }
    expect(session.connection.stream.writable).toBe(true);
    await pass(5);
    expect(session.connection.stream.writable).toBe(false);
    await pass(1_000);
    expect(host.ends[0]?.fault?.fault.code).toBe("handshake-timeout");
  });

  test("that completes in time is not ended by its timeout", async () => {
    const { peer, host } = begin({ settings: usual });
    await pass(9_999);
    await peer.shakeHands();
    await pass(5_000);
    expect(host.ends).toEqual([]);
  });

  test("that is refused leaves the peer a second to read why", async () => {
    const { peer, host } = begin({ settings: usual });
    peer.send(miniProtocols.handshake, encodeProposal(2));
    await quiet();
    await pass(999);
    expect(host.ends).toEqual([]);
    await pass(1);
    expect(host.ends[0]?.fault?.fault.code).toBe("handshake-refused");
  });
});

test("a node has ten seconds to send its name", async () => {
  const { peer, host } = begin({ settings: usual });
  await peer.shakeHands();
  await quiet();
  await pass(9_999);
  expect(host.nodes).toEqual([]);
  await pass(1);
  expect(host.nodes.map(({ name }) => name)).toEqual(["unix-1"]);
});

describe("a node that has answered for metrics", () => {
  test("is disconnected after thirty seconds without a byte, and not before", async () => {
    const { peer, host } = await named();
    peer.answerMetrics([]);
    await quiet();
    await pass(1);
    await peer.next(miniProtocols.metrics);
    await pass(29_998);
    expect(host.ends).toEqual([]);
    await pass(1_010);
    expect(host.ends[0]?.fault?.fault).toEqual({ code: "peer-silent", timeoutMs: 30_000 });
  });

  test("has thirty seconds from when it is read again, however long Muninn did not read", async () => {
    const host = new TestHost();
    const { peer } = await named({ host });
    peer.answerMetrics([]);
    await quiet();
    await pass(1);
    host.budget.hold(20_000_000);
    await pass(45_000);
    host.budget.hold(-20_000_000);
    await pass(29_900);
    expect(host.ends).toEqual([]);
    await pass(31_000);
    expect(host.ends[0]?.fault?.fault.code).toBe("peer-silent");
  });

  test("stays connected as long as it sends anything", async () => {
    const { peer, host } = await named();
    peer.answerMetrics([]);
    await quiet();
    for (let n = 0; n < 10; n += 1) {
      await pass(20_000);
      peer.reply([`${n}`]);
      await quiet();
    }
    expect(host.ends).toEqual([]);
  });
});

test("a forwarder that never answers for metrics is asked three times, and never disconnected for it", async () => {
  const { peer, host, session } = await named();
  for (let minute = 0; minute < 60; minute += 1) await pass(60_000);
  expect(peer.waiting(miniProtocols.metrics)).toBe(3);
  expect(host.ends).toEqual([]);
  // One that answers after all is asked again.
  peer.answerMetrics([]);
  await quiet();
  await pass(10);
  expect(peer.waiting(miniProtocols.metrics)).toBe(4);
  await session.close("the test is over");
});

test("open requests cover the objects of two round trips, in however few batches they arrive", async () => {
  const { peer, host, session } = await named({ requestsAhead: 64 });
  await pass(100);
  peer.answerMetrics([]);
  const replies = new Array(10).fill(
    encodeSegments("opener", miniProtocols.traceObjects, replyOf(new Array(50).fill("x")), 0),
  );
  for (let n = 1; n <= 2; n += 1) {
    peer.stream.write(Buffer.concat(replies));
    await until(() => host.lines.length === n * 500);
    await pass(100);
  }
  peer.reply(["x"]);
  await until(() => host.lines.length === 1_001);
  await quiet();
  // The remembered rate halves in two seconds, and the last object arrived 100 ms later.
  expect(session.openRequests).toBe(1 + Math.floor((2 * 500 * 0.5 ** (100 / 2_000)) / 100));
});

describe("a node's liveness", () => {
  test("is false after three seconds of silence, and not before", async () => {
    const { session } = await named();
    let isAlive: boolean | undefined;
    void session.isAlive().then((answer) => {
      isAlive = answer;
    });
    await pass(2_999);
    expect(isAlive).toBeUndefined();
    await pass(1);
    expect(isAlive).toBe(false);
  });

  test("is true as soon as the node answers for metrics", async () => {
    const { peer, session } = await named();
    const isAlive = session.isAlive();
    await pass(2_900);
    peer.answerMetrics([]);
    expect(await isAlive).toBe(true);
  });

  test("is found by data points for a node that has no metrics", async () => {
    const { peer, session } = await named();
    await pass(100_000);
    const isAlive = session.isAlive();
    await peer.next(miniProtocols.dataPoints);
    peer.send(miniProtocols.dataPoints, encodeDataPointsReply([]));
    expect(await isAlive).toBe(true);
  });

  test("is not doubted while Muninn itself does not read from the node", async () => {
    const host = new TestHost();
    host.holdBatches = true;
    const { peer, session } = await named({ host });
    const text = "x".repeat(90_000);
    for (let n = 0; n < 20; n += 1) peer.reply([text]);
    await quiet();
    expect(session.connection.stream.isPaused()).toBe(true);
    await pass(10_000);
    expect(await session.isAlive()).toBe(true);
    host.holdBatches = false;
    host.makeSafe();
  });

  test("is not doubted if Muninn stops reading while it waits for the answer", async () => {
    const host = new TestHost();
    host.holdBatches = true;
    const { peer, session } = await named({ host });
    peer.reply(["unwritten"]);
    await quiet();
    await pass(100);
    const isAlive = session.isAlive();
    host.budget.hold(20_000_000);
    await quiet();
    expect(session.connection.stream.isPaused()).toBe(true);
    await pass(3_000);
    expect(await isAlive).toBe(true);
    host.budget.hold(-20_000_000);
    host.holdBatches = false;
    host.makeSafe();
  });

  test("is false as soon as the node has left", async () => {
    const { session, peer } = await named();
    const isAlive = session.isAlive();
    peer.stream.end();
    await session.done;
    expect(await isAlive).toBe(false);
  });

  test("is no longer asked once the session stops", async () => {
    const { session } = await named();
    const isAlive = session.isAlive();
    void session.stop(2_000);
    expect(await isAlive).toBe(true);
  });
});

test("a silent node whose name is wanted from another address is disconnected after thirty seconds", async () => {
  const host = new TestHost();
  const { session, peer } = await named({ host });
  peer.answerMetrics([]);
  await quiet();
  session.setMetricsPace({ pauseMs: 3_600_000, full: false });
  session.suspect();
  await pass(29_000);
  expect(host.ends).toEqual([]);
  await pass(2_100);
  expect(host.ends[0]?.fault?.fault.code).toBe("peer-silent");
});

test("a silent node whose name is wanted is no fault once its session stops", async () => {
  const host = new TestHost();
  const { session, peer } = await named({ host });
  peer.answerMetrics([]);
  await quiet();
  session.setMetricsPace({ pauseMs: 3_600_000, full: false });
  session.suspect();
  await pass(29_500);
  void session.stop(2_000);
  await pass(1_500);
  expect(host.ends).toEqual([]);
  await pass(1_000);
  expect(host.ends).toMatchObject([{ fault: undefined }]);
});

describe("a stop", () => {
  test("waits two seconds, and no longer, for what a peer still sends", async () => {
    const { session, peer, host } = await named();
    void session.stop(2_000);
    await pass(1_999);
    peer.reply(["last words"]);
    await quiet();
    expect(host.ends).toEqual([]);
    await pass(1);
    await session.done;
    expect(host.lines).toEqual(["last words"]);
  });

  test("is not delayed by another stop, by a fault or by the peer's end", async () => {
    const { session, peer, host } = await named();
    void session.stop(2_000);
    await pass(1_500);
    void session.stop(2_000);
    peer.stream.write(Buffer.alloc(100, 0xff));
    await quiet();
    await pass(500);
    expect(host.ends).toHaveLength(1);
  });

  test("ends at once for a peer without a complete handshake, which can then delay nothing", async () => {
    const { session, peer, host } = begin({ settings: usual });
    peer.stream.write(Uint8Array.of(0));
    await quiet();
    await session.stop(2_000);
    expect(host.ends[0]?.handshakeDone).toBe(false);
    expect(session.connection.stream.destroyed).toBe(true);
  });

  test("does not wait for a stream that never reports its close", async () => {
    const { session, host } = await named();
    session.connection.stream._destroy = () => {};
    void session.stop(2_000);
    await pass(2_000);
    await session.done;
    expect(host.ends).toHaveLength(1);
  });

  test("of a newcomer with the same name leaves the first node alone, and the newcomer's last objects arrive", async () => {
    const host = new TestHost();
    const first = await named({ host });
    const second = begin({ settings: usual, host, peer: new ScriptedPeer("unix-2") });
    await second.peer.shakeHands();
    await second.peer.tellName("relay");
    second.peer.reply(["of the second"]);
    await quiet();
    const stopped = Promise.all([first.session.stop(2_000), second.session.stop(2_000)]);
    host.directory.stop();
    await quiet();
    first.peer.reply(["last words of the first"]);
    await quiet();
    first.peer.stream.end();
    second.peer.stream.end();
    await quiet();
    await pass(2_000);
    await stopped;
    expect(host.lines.map((line, index) => [line, host.directories[index]])).toEqual(
      expect.arrayContaining([
        ["last words of the first", "relay"],
        ["of the second", "relay_unix-2"],
      ]),
    );
    expect(host.ends.map(({ fault }) => fault)).toEqual([undefined, undefined]);
  });
});

describe("waiting for a name", () => {
  const settings = { ...usual, namePatienceMs: 250, requestsAhead: 8, requestCount: 2 };

  test("limits a node to its first reply for a quarter of a second", async () => {
    const { peer, session } = begin({ settings });
    await peer.shakeHands();
    await peer.next(miniProtocols.traceObjects);
    peer.reply(["one", "two"]);
    await pass(249);
    expect(session.heldObjects).toBe(2);
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    await pass(1);
    await peer.next(miniProtocols.traceObjects);
  });

  test("ends as soon as the name arrives, and the node is asked for more", async () => {
    const { peer, host } = begin({ settings });
    await peer.shakeHands();
    await peer.next(miniProtocols.traceObjects);
    peer.reply(["one", "two"]);
    await pass(100);
    await peer.tellName("relay");
    await until(() => host.lines.length === 2);
    await peer.next(miniProtocols.traceObjects);
  });

  test("ends with the name, but waiting for the node's directory continues", async () => {
    const { peer, session, host } = begin({ settings });
    let claimed = () => {};
    const claim = new Promise<void>((resolve) => {
      claimed = resolve;
    });
    Object.assign(host, {
      claim: async (...[from, rawName]: Parameters<TestHost["claim"]>) => {
        await claim;
        return { node: await host.directory.claim(from, rawName) };
      },
    });
    await peer.shakeHands();
    await pass(300);
    await peer.tellName("relay");
    await quiet();
    await peer.next(miniProtocols.traceObjects);
    peer.reply(["one", "two"]);
    await until(() => session.heldObjects === 2);
    await pass(10_000);
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    claimed();
    await peer.next(miniProtocols.traceObjects);
  });

  test("leaves no request and no timer behind for a node that leaves meanwhile", async () => {
    const { peer, session } = begin({ settings });
    await peer.shakeHands();
    await peer.next(miniProtocols.traceObjects);
    peer.stream.end();
    await session.done;
    await pass(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
