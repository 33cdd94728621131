import { describe, expect, test, vi } from "vitest";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { decodeMetricsRequest, encodeMetricsResponse } from "../../src/protocol/metrics.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { decodeTraceRequest } from "../../src/protocol/trace-messages.js";
import { magic, replyOf } from "./scripted-peer.js";
import { begin, quiet, settings, TestHost, until } from "./test-host.js";

describe("trace objects", () => {
  test("are asked for at once, and held until the name is known", async () => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    expect(decodeTraceRequest(await peer.next(miniProtocols.traceObjects))).toEqual({
      kind: "request",
      blocking: true,
      count: 100,
    });
    peer.reply(["one", "two"]);
    await peer.next(miniProtocols.traceObjects);
    expect(host.lines).toEqual([]);
    expect(session.heldObjects).toBe(2);
    await peer.tellName("relay");
    await until(() => host.lines.length === 2);
    expect(host.directories).toEqual(["relay", "relay"]);
    expect(session.heldObjects).toBe(0);
    expect(host.budget.reading.heldBytes).toBe(0);
  });

  test("are asked for repeatedly while the name is awaited, within the budget, and the name is read after them", {
    timeout: settings.nameTimeoutMs / 2,
  }, async () => {
    const { peer, host, session } = begin({ settings: { requestCount: 2 } });
    await peer.shakeHands();
    for (let reply = 0; reply < 250; reply += 1) {
      await peer.next(miniProtocols.traceObjects);
      peer.reply([`${reply} a`, `${reply} b`]);
    }
    await peer.next(miniProtocols.traceObjects);
    expect(session.heldObjects).toBe(500);
    // All of an eighth of the budget is too much: no more is requested.
    peer.reply(["x".repeat(90_000), "y".repeat(90_000)]);
    let sent = 502;
    await until(() => session.heldObjects === sent);
    for (let reply = 0; reply < 20 && peer.waiting(miniProtocols.traceObjects) > 0; reply += 1) {
      await peer.next(miniProtocols.traceObjects);
      peer.reply(["x".repeat(90_000), "y".repeat(90_000)]);
      sent += 2;
      await until(() => session.heldObjects === sent);
    }
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    // The memory of a batch is up to four times the bytes received: lines are made in it, and it has only a few sizes.
    expect(host.budget.reading.heldBytes).toBeLessThan(host.budget.perUnnamedBytes * 4);
    await peer.tellName("relay");
    await until(() => host.lines.length === sent);
    expect(host.lines.slice(0, 3)).toEqual(["0 a", "0 b", "1 a"]);
    await peer.next(miniProtocols.traceObjects);
  });

  test("are counted as refused if their node is refused, and it is disconnected", async () => {
    const { peer, host, session } = begin();
    host.refusal = { refused: { code: "too-many-names", address: "unix" } };
    await peer.shakeHands();
    await peer.next(miniProtocols.traceObjects);
    peer.reply(["one", "two"]);
    peer.reply(["three"]);
    await until(() => session.heldObjects === 3);
    await peer.tellName("relay");
    peer.stream.end();
    await session.done;
    expect(host.refusedObjects).toBe(3);
    expect(host.lines).toEqual([]);
    expect(host.ends[0]?.fault?.fault.code).toBe("too-many-names");
    expect(host.budget.reading).toEqual({ reservedBytes: 0, heldBytes: 0 });
  });

  test("are not asked for until those received are safe", async () => {
    const { peer, host } = begin();
    host.holdBatches = true;
    await peer.shakeHands();
    await peer.tellName("relay");
    await until(() => host.nodes.length === 1);
    await peer.next(miniProtocols.traceObjects);
    peer.reply(["one"]);
    await until(() => host.heldBatches === 1);
    await quiet();
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    host.makeSafe();
    await peer.next(miniProtocols.traceObjects);
  });

  test("are asked for ahead from a node that fills its replies, and one reply at a time from one that does not", async () => {
    const { peer, host } = begin({ settings: { requestCount: 2, requestsAhead: 5 } });
    await peer.shakeHands();
    await peer.tellName("relay");
    await peer.next(miniProtocols.traceObjects);
    peer.reply(["full", "full"]);
    for (let request = 0; request < 5; request += 1) await peer.next(miniProtocols.traceObjects);
    await quiet();
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    for (let reply = 0; reply < 5; reply += 1) {
      expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
      peer.reply(["the last one"]);
      await until(() => host.lines.length === 3 + reply);
    }
    await peer.next(miniProtocols.traceObjects);
    await quiet();
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
  });

  test("that were asked for ahead take no part of the budget once the connection is gone", async () => {
    const { peer, host, session } = begin({ settings: { requestCount: 2, requestsAhead: 5 } });
    await peer.shakeHands();
    await peer.tellName("relay");
    await peer.next(miniProtocols.traceObjects);
    peer.reply(["full", "full"]);
    for (let request = 0; request < 5; request += 1) await peer.next(miniProtocols.traceObjects);
    expect(host.budget.reading.reservedBytes).toBeGreaterThan(0);
    peer.stream.end();
    await session.done;
    expect(host.budget.reading.reservedBytes).toBe(0);
  });

  /** Sends two objects of `objectBytes` for each request, repeatedly; resolves with the number of requests that wait then. */
  async function requestsAhead(host: TestHost, objectBytes: number): Promise<number> {
    const { peer } = begin({ host, settings: { requestCount: 2, requestsAhead: 64 } });
    await peer.shakeHands();
    await peer.tellName("relay");
    // Enough of them that the initially assumed size is forgotten.
    for (let reply = 0; reply < 20; reply += 1) {
      await peer.next(miniProtocols.traceObjects);
      peer.reply(["x".repeat(objectBytes), "y".repeat(objectBytes)]);
    }
    await quiet();
    return peer.waiting(miniProtocols.traceObjects);
  }

  test("are asked for ahead up to the bytes worth a write, in no more requests than that needs", async () => {
    expect(await requestsAhead(new TestHost(), 30_000)).toBe(Math.floor((256 * 1_024) / 60_000));
  });

  test("are asked for ahead up to the node's share if many share the budget", async () => {
    const host = new TestHost();
    const other = { roomChanged: () => {}, evict: () => {} };
    for (let others = 0; others < 99; others += 1) host.budget.join({ ...other });
    expect(await requestsAhead(host, 10_000)).toBe(Math.floor(100_000 / 20_000));
    expect(host.budget.perNodeBytes).toBe(100_000);
  });

  test("are not asked for while an earlier connection of the node has unwritten lines", async () => {
    const host = new TestHost();
    host.sinksKeepUp = false;
    let drained = () => {};
    host.drainedWhen = new Promise((resolve) => {
      drained = resolve;
    });
    const { peer } = begin({ host });
    await peer.shakeHands();
    await peer.tellName("relay");
    await quiet();
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    drained();
    await peer.next(miniProtocols.traceObjects);
  });

  test("are written even from a reply nobody asked for, which answers no later request", async () => {
    const { peer, host } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    await until(() => host.nodes.length === 1);
    await peer.next(miniProtocols.traceObjects);
    const replies = [["asked"], ["unasked"]].map((texts) =>
      encodeSegments("opener", miniProtocols.traceObjects, replyOf(texts), 0),
    );
    peer.stream.write(Buffer.concat(replies));
    await until(() => host.lines.length === 2);
    await peer.next(miniProtocols.traceObjects);
    await quiet();
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
  });

  test("take time of the turn, like answers, also if the connection ends because of them", async () => {
    const { peer, host } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    await until(() => host.nodes.length === 1);
    await peer.next(miniProtocols.metrics);
    const worked = vi.spyOn(host.turns, "worked");
    const wait = vi.spyOn(host.turns, "wait");
    peer.reply(Array.from({ length: 100 }, () => "x".repeat(300)));
    await until(() => host.lines.length === 100);
    expect(worked).toHaveBeenCalledTimes(1);
    peer.answerMetrics([]);
    await until(() => host.metricsSeen.length === 1);
    expect(worked).toHaveBeenCalledTimes(2);
    peer.send(miniProtocols.traceObjects, Uint8Array.of(0xff));
    await until(() => host.ends.length === 1);
    expect(worked).toHaveBeenCalledTimes(3);
    expect(wait).not.toHaveBeenCalled();
  });

  test("are written if they are whole before bad bytes, and the connection ends", async () => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    await peer.next(miniProtocols.traceObjects);
    const reply = replyOf(["one", "two", "three"]);
    reply[reply.length - 2] = 0xff;
    peer.stream.write(encodeSegments("opener", miniProtocols.traceObjects, reply, 0));
    await session.done;
    expect(host.lines).toEqual(["one", "two"]);
    expect(host.ends[0]?.fault?.fault.code).toBe("invalid-utf8");
  });

  test.each([
    { broken: false, lines: ["one", "two"], code: "mini-protocol-unknown" },
    { broken: true, lines: ["one"], code: "invalid-utf8" },
  ])("are written up to the first fault in a chunk (broken: $broken)", async (expected) => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    await peer.next(miniProtocols.traceObjects);
    const reply = replyOf(["one", "two"]);
    if (expected.broken) reply[reply.length - 2] = 0xff;
    const segments = encodeSegments("opener", miniProtocols.traceObjects, reply, 0);
    peer.stream.write(Buffer.concat([segments, Uint8Array.of(0, 0, 0, 0, 0, 77, 0, 1, 0)]));
    await session.done;
    expect(host.lines).toEqual(expected.lines);
    expect(host.ends[0]?.fault?.fault.code).toBe(expected.code);
  });

  test("are reported if they were cut off in the middle, and those before them are written", async () => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    const segments = encodeSegments("opener", miniProtocols.traceObjects, replyOf(["one", "two"]), 0);
    peer.stream.end(segments.subarray(0, -5));
    await session.done;
    expect(host.lines).toEqual(["one"]);
    expect(host.ends[0]).toMatchObject({ midReply: true, fault: undefined });
  });

  test("are written under the connection's id if the node leaves before it sends its name", async () => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    peer.reply(["one"]);
    peer.stream.end();
    await session.done;
    expect(host.lines).toEqual(["one"]);
    expect(host.directories).toEqual(["unix-1"]);
  });

  test("are written under the connection's id if the node never sends its name", async () => {
    const { peer, host } = begin({ settings: { nameTimeoutMs: 5 } });
    await peer.shakeHands();
    peer.reply(["one"]);
    await until(() => host.lines.length === 1);
    expect(host.directories).toEqual(["unix-1"]);
    await peer.next(miniProtocols.traceObjects);
  });

  test("are not even read if they far exceed what may wait unwritten, and none is lost", async () => {
    const { peer, host } = begin({ settings: { maxObjectBytes: 2_000_000 } });
    host.holdBatches = true;
    await peer.shakeHands();
    await peer.tellName("relay");
    const text = "x".repeat(50_000);
    const replies = 200;
    let sent = 0;
    const send = () => {
      for (; sent < replies; sent += 1) {
        const segments = encodeSegments("opener", miniProtocols.traceObjects, replyOf([text]), 0);
        if (!peer.stream.write(segments)) {
          sent += 1;
          peer.stream.once("drain", send);
          return;
        }
      }
    };
    send();
    await quiet();
    expect(host.budget.reading.heldBytes).toBeLessThan(host.budget.perNodeBytes * 6);
    expect(sent).toBeLessThan(replies);
    host.holdBatches = false;
    host.makeSafe();
    await until(() => host.lines.length === replies);
    expect(host.budget.reading.heldBytes).toBe(0);
  });
});

describe("the handshake", () => {
  test("is refused for another network, and the refusal reaches the peer", async () => {
    const { peer, host, session } = begin();
    peer.send(miniProtocols.handshake, encodeProposal(2));
    const [, refuse] = await peer.next(miniProtocols.handshake);
    expect(refuse).toBe(2);
    peer.stream.end();
    await session.done;
    expect(host.ends[0]?.fault?.fault).toMatchObject({ code: "handshake-refused", by: "us" });
    expect(host.ends[0]?.node).toBeUndefined();
  });

  test("ends the connection if it never arrives", async () => {
    const { peer, host, session } = begin({ settings: { handshakeTimeoutMs: 5 } });
    peer.stream.write(Uint8Array.of(0));
    await session.done;
    expect(host.ends[0]?.fault?.fault.code).toBe("handshake-timeout");
  });

  test("ends the connection if it breaks off", async () => {
    const { peer, host, session } = begin();
    peer.stream.end(
      encodeSegments("opener", miniProtocols.handshake, encodeProposal(magic), 0).subarray(0, 11),
    );
    await session.done;
    expect(host.ends[0]?.fault?.fault.code).toBe("handshake-cut");
  });

  test.each([
    ["another mini-protocol before it", miniProtocols.traceObjects, "unexpected-message"],
    ["garbage in it", miniProtocols.handshake, "malformed"],
  ] as const)("%s ends the connection", async (_, miniProtocol, code) => {
    const { peer, host, session } = begin();
    peer.stream.end(encodeSegments("opener", miniProtocol, Uint8Array.of(0x63, 1, 2, 3), 0));
    await session.done;
    expect(host.ends[0]?.fault?.fault.code).toBe(code);
  });

  test.each([
    ["another one", encodeProposal(magic)],
    ["the beginning of another one", encodeProposal(magic).subarray(0, 1)],
  ])("%s after it ends the connection", async (_, bytes) => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    peer.send(miniProtocols.handshake, bytes);
    peer.stream.end();
    await session.done;
    expect(host.ends[0]?.fault?.fault).toMatchObject({ code: "unexpected-message", state: "connected" });
  });
});

describe("metrics", () => {
  test("are requested in full at first, then only changes", async () => {
    const { peer, host } = begin();
    await peer.shakeHands();
    expect(decodeMetricsRequest(await peer.next(miniProtocols.metrics))).toEqual({ kind: "all" });
    peer.answerMetrics([["a", { kind: "counter", value: 1n }]]);
    expect(decodeMetricsRequest(await peer.next(miniProtocols.metrics))).toEqual({ kind: "updated" });
    peer.answerMetrics([]);
    await until(() => host.metricsSeen.length === 2);
    expect(host.metricsSeen).toEqual([
      { metrics: [["a", 1]], whole: true },
      { metrics: [], whole: false },
    ]);
  });

  test("are always requested in full if the configuration says so", async () => {
    const { peer } = begin({ settings: { metricsPace: { pauseMs: 1, full: true } } });
    await peer.shakeHands();
    for (let round = 0; round < 3; round += 1) {
      expect(decodeMetricsRequest(await peer.next(miniProtocols.metrics))).toEqual({ kind: "all" });
      peer.answerMetrics([]);
    }
  });

  test("are requested at a new pace as soon as it is set, even during a long pause", async () => {
    const { peer, session } = begin({ settings: { metricsPace: { pauseMs: 3_600_000, full: false } } });
    await peer.shakeHands();
    await peer.next(miniProtocols.metrics);
    peer.answerMetrics([]);
    await quiet();
    expect(peer.waiting(miniProtocols.metrics)).toBe(0);
    session.setMetricsPace({ pauseMs: 1, full: true });
    // The next request was decided when the last answer arrived.
    expect(decodeMetricsRequest(await peer.next(miniProtocols.metrics))).toEqual({ kind: "updated" });
    peer.answerMetrics([]);
    expect(decodeMetricsRequest(await peer.next(miniProtocols.metrics))).toEqual({ kind: "all" });
  });

  test("that stay unanswered for long mean that the peer is gone", async () => {
    const { peer, host, session } = begin({ settings: { silenceMs: 20 } });
    await peer.shakeHands();
    peer.answerMetrics([]);
    await session.done;
    expect(host.ends[0]?.fault?.fault.code).toBe("peer-silent");
  });
});

describe("an unrequested answer", () => {
  test("is accepted once for metrics; a few more short ones are skipped, as in a recorded stream", async () => {
    const { peer, host, session } = begin({ settings: { metricsPace: { pauseMs: 60_000, full: false } } });
    await peer.shakeHands();
    for (let answer = 0; answer < 12; answer += 1)
      peer.answerMetrics([[`a${answer}`, { kind: "counter", value: 1n }]]);
    await quiet();
    expect(host.metricsSeen.map(({ metrics }) => metrics)).toEqual([[["a0", 1]], [["a1", 1]]]);
    for (let answer = 0; answer < 12; answer += 1) peer.answerMetrics([]);
    peer.stream.end();
    await session.done;
    expect(host.ends[0]?.fault?.fault).toMatchObject({ code: "unexpected-message", what: "metrics answer" });
  });

  test("closes the connection if it is long, long before its end", async () => {
    const { peer, host, session } = begin({ settings: { metricsPace: { pauseMs: 60_000, full: false } } });
    await peer.shakeHands();
    for (let answer = 0; answer < 2; answer += 1) peer.answerMetrics([]);
    const long = encodeMetricsResponse([["a", { kind: "label", value: "x".repeat(60_000) }]]);
    peer.send(miniProtocols.metrics, long);
    await quiet();
    expect(host.ends).toEqual([]);
    peer.send(miniProtocols.metrics, long.subarray(0, 10_000));
    peer.stream.end();
    await session.done;
    expect(host.ends[0]?.fault?.fault.code).toBe("unexpected-message");
  });

  test("closes the connection if it is a second data-point answer", async () => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    peer.send(miniProtocols.dataPoints, encodeDataPointsReply([]));
    await quiet();
    expect(host.ends).toEqual([]);
    peer.send(miniProtocols.dataPoints, encodeDataPointsReply([]));
    peer.stream.end();
    await session.done;
    expect(host.ends[0]?.fault?.fault).toMatchObject({ what: "data-point answer" });
  });
});

describe("a node without NodeInfo", () => {
  const nameFrom = ["nodeInfo", "hostname"] as const;

  test("is named by the host in its objects if the configuration asks for it", async () => {
    const { peer, host } = begin({ settings: { nameFrom } });
    await peer.shakeHands();
    await peer.tellName(undefined);
    await quiet();
    expect(host.nodes).toEqual([]);
    peer.reply(["one", "two"]);
    await until(() => host.lines.length === 2);
    expect(host.directories).toEqual(["host", "host"]);
  });

  test("is named by objects that arrived before it was known to have no name", async () => {
    const { peer, host } = begin({ settings: { nameFrom } });
    await peer.shakeHands();
    peer.reply(["one"]);
    await quiet();
    await peer.tellName(undefined);
    await until(() => host.lines.length === 1);
    expect(host.directories).toEqual(["host"]);
  });

  test("is named after its connection if no object arrives in time either", async () => {
    const { peer, host } = begin({ settings: { nameFrom, nameTimeoutMs: 20 } });
    await peer.shakeHands();
    await peer.tellName(undefined);
    await until(() => host.nodes.length === 1);
    expect(host.nodes[0]?.name).toBe("unix-1");
  });

  test("is named after its connection if it leaves at once, and its session ends", {
    timeout: settings.nameTimeoutMs / 2,
  }, async () => {
    const { peer, host, session } = begin({ settings: { nameFrom } });
    await peer.shakeHands();
    await peer.tellName(undefined);
    peer.stream.end();
    await session.done;
    expect(host.nodes[0]?.name).toBe("unix-1");
  });

  test("has the name in its NodeInfo if there is one", async () => {
    const { peer, host } = begin({ settings: { nameFrom } });
    await peer.shakeHands();
    peer.reply(["one"]);
    await peer.tellName("relay");
    await until(() => host.lines.length === 1);
    expect(host.directories).toEqual(["relay"]);
  });
});

describe("data points", () => {
  test("are requested one at a time and answered in order", async () => {
    const { peer, session } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    const answers = Promise.all([session.dataPoints(["A"], 20_000), session.dataPoints(["B"], 20_000)]);
    await peer.next(miniProtocols.dataPoints);
    await quiet();
    expect(peer.waiting(miniProtocols.dataPoints)).toBe(0);
    peer.send(miniProtocols.dataPoints, encodeDataPointsReply([["A", Buffer.from("1")]]));
    await peer.next(miniProtocols.dataPoints);
    peer.send(miniProtocols.dataPoints, encodeDataPointsReply([["B", undefined]]));
    const [a, b] = await answers;
    expect(Buffer.from(a!.get("A")!).toString()).toBe("1");
    expect([...b!]).toEqual([["B", undefined]]);
  });

  test("are given up if nobody answers, before and after the connection ends", async () => {
    const { peer, session } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    expect(await session.dataPoints(["A"], 1)).toBeUndefined();
    const last = session.dataPoints(["B"], 20_000);
    peer.stream.end();
    expect(await last).toBeUndefined();
    expect(await session.dataPoints(["C"], 20_000)).toBeUndefined();
  });
});

test("a peer that keeps sending and never reads is disconnected, and what it sent is written", async () => {
  const { peer, host, session } = begin();
  await peer.shakeHands();
  await peer.tellName("deaf");
  peer.stream.pause();
  for (let sent = 0; host.ends.length === 0; sent += 1) {
    peer.reply([String(sent)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await session.done;
  expect(host.ends[0]?.fault?.fault.code).toBe("peer-not-reading");
  expect(host.lines.length).toBeGreaterThan(0);
  expect(host.lines).toEqual(host.lines.map((_, index) => String(index)));
});

test("a whole stream sent blindly in one write is accepted as if it had been requested", async () => {
  const { peer, host, session } = begin();
  const info = Buffer.from(JSON.stringify({ niName: "recorded" }));
  const segments = (miniProtocol: 0 | 1 | 2 | 3, message: Uint8Array) =>
    encodeSegments("opener", miniProtocol, message, 0);
  peer.stream.end(
    Buffer.concat([
      segments(miniProtocols.handshake, encodeProposal(magic)),
      segments(miniProtocols.metrics, encodeMetricsResponse([])),
      segments(miniProtocols.dataPoints, encodeDataPointsReply([])),
      segments(miniProtocols.traceObjects, replyOf(["one"])),
      segments(miniProtocols.dataPoints, encodeDataPointsReply([["NodeInfo", info]])),
      segments(miniProtocols.metrics, encodeMetricsResponse([["a", { kind: "counter", value: 1n }]])),
      segments(miniProtocols.traceObjects, replyOf(["two"])),
    ]),
  );
  await session.done;
  expect(host.lines).toEqual(["one", "two"]);
  expect(host.directories).toEqual(["recorded", "recorded"]);
  expect(host.metricsSeen).toHaveLength(2);
  expect(host.ends[0]?.fault).toBeUndefined();
});

describe("stopping a session", () => {
  test("asks for nothing more, does not send done, and accepts what still arrives", async () => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    await peer.tellName("relay");
    await peer.next(miniProtocols.traceObjects);
    const stopped = session.stop(20_000);
    peer.reply(["last words"]);
    await quiet();
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    peer.stream.end();
    await stopped;
    expect(host.lines).toEqual(["last words"]);
    expect(host.ends[0]?.fault).toBeUndefined();
  });

  test("waits no longer than its time limit for a peer that continues", async () => {
    const { peer, session } = begin();
    await peer.shakeHands();
    await session.stop(5);
    expect(peer.connection.stream.destroyed).toBe(true);
  });

  test("has the same end when it is repeated", async () => {
    const { peer, host, session } = begin();
    await peer.shakeHands();
    await Promise.all([session.stop(5), session.stop(5)]);
    await session.stop(5);
    expect(host.ends).toHaveLength(1);
  });
});
