import { expect, onTestFinished, test } from "vitest";
import { Sessions, type SessionsOptions } from "../../src/nodes/sessions.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
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
  silenceMs: 20_000,
};
/** With twenty nodes, more than what may be on its way before nodes are read in turn. */
const stuckNodes = 20;
const long = "x".repeat(250_000);

/** Sessions whose batches `write` takes. */
function sessionsWith(write: SessionsOptions["destination"]["write"]): Sessions {
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
    observer: { connected: () => {}, named: () => {}, clashed: () => {}, ended: () => {} },
  });
}

/** A node that has told its name and is asked for trace objects. */
async function connected(sessions: Sessions, name: string): Promise<ScriptedPeer> {
  const peer = new ScriptedPeer(name);
  void sessions.run(peer.connection);
  await peer.shakeHands();
  await peer.tellName(name);
  await peer.next(miniProtocols.traceObjects);
  return peer;
}

test("nodes whose batches stand still hold up others for a moment only, and are read on when theirs move again", async () => {
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

test("connections are counted by how far they are, for as long as they are there", async () => {
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
