import { once } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { NewNames } from "../../src/nodes/new-names.js";
import type { SessionEnd } from "../../src/nodes/session-host.js";
import { Sessions, type SessionsOptions } from "../../src/nodes/sessions.js";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { encodeMetricsResponse } from "../../src/protocol/metrics.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { eventually } from "../../src/testing/eventually.js";
import { magic, ScriptedPeer } from "./scripted-peer.js";

const settings = {
  networkMagic: magic,
  requestCount: 100,
  requestsAhead: 1,
  metricsPace: { pauseMs: 60_000, full: false },
  maxObjectBytes: 1_000_000,
  maxMetricsBytes: 100_000,
  maxDataPointBytes: 100_000,
  maxMetricsPerNode: 1_000,
  nameFrom: ["nodeInfo"] as const,
  handshakeTimeoutMs: 20_000,
  nameTimeoutMs: 20_000,
  namePatienceMs: 0,
  silenceMs: 20_000,
};
/** For twenty nodes, more than the bytes from which nodes are read in turn. */
const stuckNodes = 20;
const long = "x".repeat(250_000);

/** Notes nothing. */
const quiet: SessionsOptions["observer"] = {
  connected: () => {},
  metricsRefused: () => {},
  named: () => {},
  clashed: () => {},
  ended: () => {},
};

/** Sessions whose batches go to `write`. */
function sessionsWith(
  write: SessionsOptions["destination"]["write"],
  options: Partial<SessionsOptions> = {},
): Sessions {
  return new Sessions({
    settings,
    maxInFlightBytes: 100_000_000,
    destination: {
      open: () => {},
      close: () => {},
      drop: () => {},
      drained: async () => {},
      keepingUp: () => true,
      write,
    },
    observer: quiet,
    ...options,
  });
}

/** A node that has sent its name and is asked for trace objects. */
async function connected(sessions: Sessions, name: string): Promise<ScriptedPeer> {
  const peer = new ScriptedPeer(name);
  void sessions.run(peer.connection);
  await peer.shakeHands();
  await peer.tellName(name);
  await peer.next(miniProtocols.traceObjects);
  return peer;
}

test("nodes whose batches stall delay others only for a moment, and are read again when their batches move", async () => {
  const lines = new Map<string, number>();
  let release = () => {};
  const moving = new Promise<void>((resolve) => {
    release = resolve;
  });
  const sessions = sessionsWith(async ({ name }, batch) => {
    if (name.startsWith("stuck")) await moving;
    lines.set(name, (lines.get(name) ?? 0) + batch.length);
    return true;
  });
  onTestFinished(async () => {
    release();
    await sessions.stop(100);
  });
  const stuck: ScriptedPeer[] = [];
  for (let n = 0; n < stuckNodes; n += 1) stuck.push(await connected(sessions, `stuck-${n}`));
  const free = await connected(sessions, "free");
  for (const peer of stuck) peer.reply([long]);
  for (let reply = 1; reply <= 5; reply += 1) {
    free.reply([long]);
    await free.next(miniProtocols.traceObjects);
    expect(lines.get("free")).toBe(reply);
  }
  for (const peer of stuck) peer.reply([long]);
  release();
  await eventually(() => {
    for (let n = 0; n < stuckNodes; n += 1) expect(lines.get(`stuck-${n}`)).toBe(2);
  });
});

test("connections are counted by their state as long as they exist", async () => {
  const sessions = sessionsWith(async () => true);
  onTestFinished(() => sessions.stop(100));
  void sessions.run(new ScriptedPeer("silent").connection);
  expect(sessions.counts).toEqual({ handshaking: 1, connected: 0 });
  const node = await connected(sessions, "node");
  expect(sessions.counts).toEqual({ handshaking: 1, connected: 1 });

  const hasty = new ScriptedPeer("hasty");
  const gone = sessions.run(hasty.connection);
  hasty.send(miniProtocols.handshake, Buffer.concat([encodeProposal(magic), encodeProposal(magic)]));
  hasty.stream.end();
  await gone;
  expect(sessions.counts).toEqual({ handshaking: 1, connected: 1 });

  node.stream.end();
  await eventually(() => expect(sessions.counts).toEqual({ handshaking: 1, connected: 0 }));
});

test.each([
  ["leaves", (node: ScriptedPeer) => node.stream.end()],
  ["sends something other than a message", (node: ScriptedPeer) => node.stream.end(Buffer.alloc(100, 0xff))],
  [
    "sends something other than a trace object",
    (node: ScriptedPeer) => node.send(miniProtocols.traceObjects, Buffer.alloc(9, 0xff)),
  ],
] as const)("a node that %s is opened and then closed once at the destination", async (_, end) => {
  const calls: string[] = [];
  const sessions = sessionsWith(async () => true, {
    destination: {
      open: ({ name }) => calls.push(`open ${name}`),
      close: ({ name }) => calls.push(`close ${name}`),
      drop: () => {},
      drained: async () => {},
      keepingUp: () => true,
      write: async () => true,
    },
  });
  const node = await connected(sessions, "node");
  await eventually(() => expect(calls).toEqual(["open node"]));
  end(node);
  await eventually(() => expect(sessions.counts.connected).toBe(0));
  expect(calls).toEqual(["open node", "close node"]);
  await sessions.stop(0);
  expect(calls).toEqual(["open node", "close node"]);
});

test("a free node is still asked while ten others hold all they may", async () => {
  let release = () => {};
  const moving = new Promise<void>((resolve) => {
    release = resolve;
  });
  let written = 0;
  const sessions = sessionsWith(
    async ({ name }, batch) => {
      if (name.startsWith("stuck")) await moving;
      else written += batch.length;
      return true;
    },
    { maxInFlightBytes: 20_000_000 },
  );
  onTestFinished(async () => {
    release();
    await sessions.stop(100);
  });
  for (let n = 0; n < 10; n += 1) {
    const peer = await connected(sessions, `stuck-${n}`);
    for (let reply = 0; reply < 8; reply += 1) peer.reply([long]);
  }
  await eventually(() => expect(sessions.flight.heldBytes).toBeGreaterThan(5_000_000));
  const free = await connected(sessions, "free");
  for (let reply = 1; reply <= 5; reply += 1) {
    free.reply([long]);
    await free.next(miniProtocols.traceObjects);
    expect(written).toBe(reply);
  }
  expect(sessions.flight.heldBytes).toBeLessThan(15_000_000);
});

test("nodes without names stay within the budget together, and lose nothing once they have names", async () => {
  let written = 0;
  const maxInFlightBytes = 20_000_000;
  const sessions = sessionsWith(
    async (_, batch) => {
      written += batch.length;
      return true;
    },
    { maxInFlightBytes, settings: { ...settings, requestCount: 2 } },
  );
  onTestFinished(() => sessions.stop(100));
  const peers: ScriptedPeer[] = [];
  for (let n = 0; n < 20; n += 1) {
    const peer = new ScriptedPeer(`unix-${n}`);
    peers.push(peer);
    void sessions.run(peer.connection);
    await peer.shakeHands();
  }
  let sent = 0;
  for (let round = 0; round < 40; round += 1) {
    for (const peer of peers) {
      if (peer.waiting(miniProtocols.traceObjects) === 0) continue;
      await peer.next(miniProtocols.traceObjects);
      peer.reply(["x".repeat(60_000)]);
      sent += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(sessions.flight.heldBytes).toBeLessThan(maxInFlightBytes);
  expect(sessions.heldObjects).toBeGreaterThan(20);
  await Promise.all(peers.map((peer, n) => peer.tellName(`node-${n}`)));
  await eventually(() => expect(written).toBe(sent));
  expect(sessions.heldObjects).toBe(0);
});

describe("nodes with unknown names", () => {
  /** Connects under a name; resolves with whether it was asked for objects before it sent the name, and how it ended. */
  async function comeAs(sessions: Sessions, name: string, ends: SessionEnd[]) {
    const peer = new ScriptedPeer(`unix-${name}`);
    const isOver = sessions.run(peer.connection);
    await peer.shakeHands();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const wasAsked = peer.waiting(miniProtocols.traceObjects) > 0;
    await peer.tellName(name);
    peer.stream.end();
    await isOver;
    return { wasAsked, code: ends.at(-1)?.fault?.fault.code };
  }

  test("are disconnected beyond an address's allowance, before they are asked for objects; known ones are not", async () => {
    const ends: SessionEnd[] = [];
    const sessions = sessionsWith(async () => true, {
      observer: { ...quiet, ended: (_, end) => ends.push(end) },
      newNames: new NewNames({ burst: 2, perMinute: 1 }),
      isKnownDirectory: async (directory) => directory === "known",
    });
    onTestFinished(() => sessions.stop(100));
    expect(await comeAs(sessions, "a", ends)).toEqual({ wasAsked: true, code: undefined });
    expect(await comeAs(sessions, "known", ends)).toEqual({ wasAsked: true, code: undefined });
    expect(await comeAs(sessions, "b", ends)).toEqual({ wasAsked: true, code: undefined });
    expect(await comeAs(sessions, "c", ends)).toEqual({ wasAsked: false, code: "too-many-names" });
    expect(await comeAs(sessions, "known", ends)).toEqual({ wasAsked: false, code: undefined });
    expect(sessions.newNames.refused).toBe(1);
    expect(sessions.newNames.exhausted()).toEqual(["unix"]);
  });

  test("that are taken count, too, because their suffixes make directories", async () => {
    const ends: SessionEnd[] = [];
    const sessions = sessionsWith(async () => true, {
      observer: { ...quiet, ended: (_, end) => ends.push(end) },
      newNames: new NewNames({ burst: 1, perMinute: 1 }),
      isKnownDirectory: async (directory) => directory === "relay_10.0.0.2_4",
    });
    onTestFinished(() => sessions.stop(100));
    const comeAsRelay = async (host: string, port: number) => {
      const peer = new ScriptedPeer(`${host}_${port}`);
      void sessions.run({ ...peer.connection, peer: `${host}:${port}` });
      await peer.shakeHands();
      await peer.tellName("relay");
    };
    const names = () => [...sessions.nodes()].map(({ node }) => node.name);
    await comeAsRelay("10.0.0.1", 1);
    await eventually(() => expect(names()).toEqual(["relay"]));
    await comeAsRelay("10.0.0.2", 2);
    await eventually(() => expect(names()).toEqual(["relay", "relay_10.0.0.2_2"]));
    await comeAsRelay("10.0.0.2", 3);
    await eventually(() => expect(ends.at(-1)?.fault?.fault.code).toBe("too-many-names"));
    await comeAsRelay("10.0.0.2", 4);
    await eventually(() => expect(names()).toEqual(["relay", "relay_10.0.0.2_2", "relay_10.0.0.2_4"]));
    expect(sessions.newNames.refused).toBe(1);
  });

  test("do not pile up if peers leave faster than directories are claimed", async () => {
    const ends: SessionEnd[] = [];
    const claims: (() => void)[] = [];
    let isSlow = true;
    const sessions = sessionsWith(async () => true, {
      observer: { ...quiet, ended: (_, end) => ends.push(end) },
      claimDirectory: () =>
        new Promise((resolve) => {
          claims.push(() => resolve({ release: () => {} }));
          if (!isSlow) claims.at(-1)!();
        }),
    });
    const runs: Promise<boolean>[] = [];
    const closed: Promise<unknown>[] = [];
    for (let n = 1; n <= 256; n += 1) {
      const peer = new ScriptedPeer(`unix-${n}`);
      runs.push(sessions.run(peer.connection));
      await peer.shakeHands();
      await peer.tellName(`name-${n}`);
      await eventually(() => expect(claims).toHaveLength(n));
      closed.push(once(peer.connection.stream, "close"));
      peer.stream.end();
    }
    await Promise.all(closed);
    expect(await sessions.run(new ScriptedPeer("unix-x").connection)).toBe(false);
    expect(ends.map(({ fault }) => fault?.fault.code)).toEqual(["too-many-leaving"]);
    isSlow = false;
    for (const claim of claims) claim();
    await Promise.all(runs);
    const peer = new ScriptedPeer("unix-y");
    const isOver = sessions.run(peer.connection);
    await peer.shakeHands();
    peer.stream.end();
    expect(await isOver).toBe(true);
    await sessions.stop(100);
  });

  test("wait for the disk as long as it answers others, and are refused if they are not known", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const ends: SessionEnd[] = [];
    const asked: string[] = [];
    let answerLate = (_: boolean) => {};
    const late = new Promise<boolean>((resolve) => {
      answerLate = resolve;
    });
    const sessions = sessionsWith(async () => true, {
      observer: { ...quiet, ended: (_, end) => ends.push(end) },
      newNames: new NewNames({ burst: 0 }),
      isKnownDirectory: (directory) => {
        asked.push(directory);
        return directory === "late" ? late : Promise.resolve(true);
      },
    });
    onTestFinished(() => {
      vi.useRealTimers();
      return sessions.stop(0);
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const comes = async (name: string) => {
      const peer = new ScriptedPeer(`unix-${name}`);
      void sessions.run(peer.connection);
      await peer.shakeHands();
      await peer.tellName(name);
      while (!asked.includes(name)) await turn();
    };
    await comes("late");
    for (const name of ["first", "second", "third"]) {
      await vi.advanceTimersByTimeAsync(900);
      await comes(name);
    }
    await turn();
    const names = () => [...sessions.nodes()].map(({ node }) => node.name);
    expect(names()).toEqual(["first", "second", "third"]);
    vi.useRealTimers();
    answerLate(false);
    await eventually(() => expect(ends.map(({ fault }) => fault?.fault.code)).toEqual(["too-many-names"]));
  });

  test("are accepted if the disk does not say whether they are known", async () => {
    const ends: SessionEnd[] = [];
    const sessions = sessionsWith(async () => true, {
      observer: { ...quiet, ended: (_, end) => ends.push(end) },
      newNames: new NewNames({ burst: 0 }),
      isKnownDirectory: () => new Promise(() => {}),
    });
    onTestFinished(() => sessions.stop(100));
    expect(await comeAs(sessions, "a", ends)).toMatchObject({ code: undefined });
  });
});

test("objects of a refused node are counted, by number and bytes", async () => {
  const dropped: unknown[] = [];
  const sessions = sessionsWith(async () => true, {
    destination: {
      open: () => {},
      close: () => {},
      drop: (...what) => dropped.push(what),
      drained: async () => {},
      keepingUp: () => true,
      write: async () => true,
    },
    // It may use the name when it connects, but no longer when it sends it.
    newNames: new (class extends NewNames {
      override take(): boolean {
        return false;
      }
    })(),
  });
  onTestFinished(() => sessions.stop(100));
  const peer = new ScriptedPeer();
  const isOver = sessions.run(peer.connection);
  await peer.shakeHands();
  await peer.next(miniProtocols.traceObjects);
  peer.reply(["one", "two"]);
  await eventually(() => expect(sessions.heldObjects).toBe(2));
  const { heldBytes } = sessions.flight;
  await peer.tellName("stranger");
  peer.stream.end();
  await isOver;
  expect(dropped).toEqual([[undefined, "refused", 2, expect.any(Number)]]);
  expect(heldBytes).toBeGreaterThan(0);
  expect(sessions.flight.heldBytes).toBe(0);
});

test("a node whose credentials are for its name is admitted, however many new names its address brought", async () => {
  const sessions = sessionsWith(async () => true, { newNames: new NewNames({ burst: 0 }) });
  onTestFinished(() => sessions.stop(100));
  const peer = new ScriptedPeer();
  const connection = { ...peer.connection, allows: (name: string | undefined) => name === "relay" };
  void sessions.run(connection);
  await peer.shakeHands();
  await peer.tellName("relay");
  await eventually(() => expect([...sessions.nodes()].map(({ node }) => node.name)).toEqual(["relay"]));
});

test("metrics that are kept count as memory that peers make us hold", async () => {
  const sessions = sessionsWith(async () => true);
  onTestFinished(() => sessions.stop(100));
  const peer = await connected(sessions, "relay");
  const before = sessions.flight.heldBytes;
  peer.answerMetrics([["cardano.node.metrics.blockNum_int", { kind: "gauge", value: 1n }]]);
  await eventually(() => expect(sessions.flight.heldBytes).toBeGreaterThan(before + 100));
});

test("clashes are reported and listed for as long as they last", async () => {
  const told: string[] = [];
  const sessions = sessionsWith(async () => true, {
    observer: { ...quiet, clashed: (_, { name }, { of }) => told.push(`${name} ${of}`) },
  });
  onTestFinished(() => sessions.stop(100));
  await connected(sessions, "a b");
  await eventually(() => expect([...sessions.nodes()]).toHaveLength(1));
  const later = await connected(sessions, "a-b");
  await eventually(() => expect(told).toEqual(["a-b slug"]));
  const clashes = () => [...sessions.nodes()].filter(({ clash }) => clash !== undefined);
  expect(clashes().map(({ node, clash }) => [node.slug, clash?.wanted.slug])).toEqual([["a-b-a-b", "a-b"]]);
  later.stream.end();
  await eventually(() => expect(clashes()).toEqual([]));
});

test("a stop accepts no new connection, and waits for none", async () => {
  const sessions = sessionsWith(async () => true);
  const node = await connected(sessions, "node");
  const stopped = sessions.stop(20_000);
  const late = new ScriptedPeer("late");
  expect(await sessions.run(late.connection)).toBe(false);
  expect(late.connection.stream.destroyed).toBe(true);
  node.stream.end();
  await stopped;
});

test("a node that sends its name during a stop replaces nobody, however silent the holder of the name is", async () => {
  const written: string[] = [];
  const sessions = sessionsWith(async ({ name }) => {
    written.push(name);
    return true;
  });
  const holder = await connected(sessions, "relay");
  const late = new ScriptedPeer("unix-2");
  void sessions.run(late.connection);
  await late.shakeHands();
  late.reply(["one"]);
  await eventually(() => expect(sessions.heldObjects).toBe(1));
  await late.next(miniProtocols.dataPoints);
  late.send(miniProtocols.dataPoints, encodeDataPointsReply([]));
  await late.next(miniProtocols.dataPoints);
  const stopped = sessions.stop(20_000);
  const info = Buffer.from(JSON.stringify({ niName: "relay" }));
  late.send(miniProtocols.dataPoints, encodeDataPointsReply([["NodeInfo", info]]));
  await eventually(() => expect(written).toEqual(["relay_unix-2"]));
  expect(holder.connection.stream.destroyed).toBe(false);
  holder.stream.end();
  late.stream.end();
  await stopped;
});

test("metrics that arrived before the node's name are passed on once it is known", async () => {
  const told: [name: string, metrics: number][] = [];
  const sessions = sessionsWith(async () => true, {
    onMetrics: ({ name }, { size }) => told.push([name, size]),
  });
  onTestFinished(() => sessions.stop(100));
  const peer = new ScriptedPeer();
  void sessions.run(peer.connection);
  await peer.shakeHands();
  peer.answerMetrics([["a", { kind: "counter", value: 1n }]]);
  await peer.tellName("relay");
  await eventually(() => expect(told).toEqual([["relay", 2]]));
});

test("as many short metrics are kept as a node may have, however little their answer takes", async () => {
  const sessions = sessionsWith(async () => true, { settings: { ...settings, maxMetricsBytes: 30_000 } });
  onTestFinished(() => sessions.stop(100));
  const node = await connected(sessions, "node");
  node.answerMetrics(
    Array.from({ length: 900 }, (_, n) => [`${n}`, { kind: "counter", value: 1n }] as const),
  );
  await eventually(() => expect([...sessions.nodes()][0]?.metrics.size).toBe(901));
});

test("metrics stay within the limit for one node, and the excess is counted", async () => {
  const sessions = sessionsWith(async () => true, { settings: { ...settings, maxMetricsPerNode: 3 } });
  onTestFinished(() => sessions.stop(100));
  const node = await connected(sessions, "node");
  node.answerMetrics(["a", "b", "c", "d"].map((name) => [name, { kind: "counter", value: 1n }] as const));
  await eventually(() => {
    const [known] = [...sessions.nodes()];
    expect([known?.metrics.size, known?.metrics.refused]).toEqual([3, 2]);
  });
  expect(sessions.answers.bytes).toBeGreaterThan(2 * 140);
  node.stream.end();
  await eventually(() => expect(sessions.answers.bytes).toBe(0));
});

test("a node is found by its slug as long as it is connected", async () => {
  const sessions = sessionsWith(async () => true);
  onTestFinished(() => sessions.stop(100));
  const node = await connected(sessions, "Relay 1");
  const [known] = [...sessions.nodes()];
  expect(sessions.bySlug("relay-1")).toEqual(known);
  expect(sessions.bySlug("relay-2")).toBeUndefined();
  node.stream.end();
  await eventually(() => expect(sessions.bySlug("relay-1")).toBeUndefined());
});

test("a new pace of metrics applies to connected and to new nodes", async () => {
  const sessions = sessionsWith(async () => true);
  onTestFinished(() => sessions.stop(100));
  const before = await connected(sessions, "before");
  await before.next(miniProtocols.metrics);
  before.answerMetrics([]);
  await eventually(() => expect([...sessions.nodes()][0]?.metrics.answeredAtMs).toBeDefined());
  sessions.setMetricsPace({ pauseMs: 1, full: false });
  const after = await connected(sessions, "after");
  await after.next(miniProtocols.metrics);
  after.answerMetrics([]);
  // With the pace of the settings these would come a minute later.
  await Promise.all([before, after].map((node) => node.next(miniProtocols.metrics)));
});

test("a node whose long answers keep arriving leaves others their turns", async () => {
  const sessions = sessionsWith(async () => true, {
    settings: { ...settings, maxMetricsBytes: 1_000_000, metricsPace: { pauseMs: 1, full: true } },
  });
  onTestFinished(() => sessions.stop(100));
  const flood = await connected(sessions, "flood");
  const label = { kind: "label", value: "x".repeat(10_000) } as const;
  const answer = encodeMetricsResponse(Array.from({ length: 90 }, (_, n) => [`m${n}`, label] as const));
  const segments = encodeSegments("opener", miniProtocols.metrics, answer, 0, 65_535);
  const pause = vi.spyOn(flood.connection.stream, "pause");
  flood.stream.write(segments);
  await eventually(() => expect([...sessions.nodes()][0]?.metrics.size).toBe(91));
  expect(pause).toHaveBeenCalled();
  await eventually(() => expect(flood.connection.stream.isPaused()).toBe(false));
});

describe("a connection whose credentials are for certain names", () => {
  const allows = (name: string | undefined) => name === "mine";

  async function shaken(name: string | undefined, ends: SessionEnd[], newNames?: NewNames) {
    const sessions = sessionsWith(async () => true, {
      observer: { ...quiet, ended: (_, end) => ends.push(end) },
      ...(newNames !== undefined && { newNames }),
    });
    onTestFinished(() => sessions.stop(100));
    const peer = new ScriptedPeer();
    void sessions.run({ ...peer.connection, allows });
    await peer.shakeHands();
    // A node that has not sent one of them is asked for nothing: it keeps its objects.
    await peer.next(miniProtocols.metrics);
    expect(peer.waiting(miniProtocols.traceObjects)).toBe(0);
    await peer.tellName(name);
    return peer;
  }

  test("is asked for trace objects once it sends one of those names", async () => {
    const ends: SessionEnd[] = [];
    const peer = await shaken("mine", ends);
    await peer.next(miniProtocols.traceObjects);
    expect(ends).toEqual([]);
  });

  test.each([
    ["mine-not", "mine-not"],
    [undefined, undefined],
    ["???", undefined],
  ])("is closed with its own reason if it sends %s", async (name, node) => {
    const ends: SessionEnd[] = [];
    await shaken(name, ends);
    await eventually(() => expect(ends).toHaveLength(1));
    expect(ends[0]).toMatchObject({ node: undefined, fault: { fault: { code: "name-not-allowed", node } } });
  });
});
