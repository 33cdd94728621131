import { once } from "node:events";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { connectOver } from "../../../src/transport/links/kinds.js";
import { withSharedReads } from "../../../src/transport/links/shared-reads.js";
import { openListener } from "../../../src/transport/listener.js";
import { anywhere, Place } from "../places.js";

const place = new Place();

/** What a tracer that listens has of its connections, the newest last. */
async function listenAt(kind: "unix" | "IPv4", maxConnections = 10) {
  const streams: Duplex[] = [];
  const turnedAway = vi.fn();
  const listener = await openListener({
    address: anywhere(kind, place),
    maxConnections,
    chunks: "lent",
    run: async ({ stream, chunks }) => {
      expect(chunks).toBe("lent");
      streams.push(stream);
      place.atEnd(() => stream.destroy());
      await new Promise((resolve) => stream.once("close", resolve));
      return true;
    },
    onTurnedAway: turnedAway,
  });
  place.atEnd(() => listener.stop());
  return { address: listener.address, streams, turnedAway };
}

async function connected(kind: "unix" | "IPv4") {
  const { address, streams } = await listenAt(kind);
  const peer = await place.connect(address);
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  return { peer, stream: streams[0]! };
}

/** Copies what comes, as whoever wants to keep it must. */
function listen(stream: Duplex) {
  const heard = { pieces: [] as Buffer[], memories: new Set<ArrayBufferLike>() };
  stream.on("data", (piece: Buffer) => {
    heard.pieces.push(Buffer.from(piece));
    heard.memories.add(piece.buffer);
  });
  return heard;
}

/** Bytes of which each four differ from all others. */
function numbered(bytes: number): Buffer {
  const numbers = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) numbers.writeUInt32BE(at, at);
  return numbers;
}

test.each(["unix", "IPv4"] as const)("what comes over %s is heard whole and in order", async (kind) => {
  const { peer, stream } = await connected(kind);
  const heard = listen(stream);
  const sent = numbered(3_000_000);
  peer.end(sent);
  await once(stream, "end");
  expect(Buffer.concat(heard.pieces).equals(sent)).toBe(true);
});

test("all reads of all sockets share one memory", async () => {
  const { address, streams } = await listenAt("unix");
  const peers = [await place.connect(address), await place.connect(address)];
  await vi.waitFor(() => expect(streams).toHaveLength(2));
  const heard = streams.map(listen);
  for (let write = 0; write < 20; write += 1) {
    for (const peer of peers) peer.write(numbered(4_000));
    await delay(1);
  }
  for (const peer of peers) peer.end();
  await Promise.all(streams.map((stream) => once(stream, "end")));
  expect(heard.map(({ pieces }) => Buffer.concat(pieces).length)).toEqual([80_000, 80_000]);
  expect(new Set(heard.flatMap(({ memories }) => [...memories])).size).toBe(1);
});

test("what comes before anybody listens waits", async () => {
  const { peer, stream } = await connected("unix");
  const sent = numbered(1_000_000);
  peer.write(sent.subarray(0, 40));
  await vi.waitFor(() => expect(stream.readableLength).toBe(40));
  peer.end(sent.subarray(40));
  await delay(20);
  expect((await buffer(stream)).equals(sent)).toBe(true);
});

test("while it is paused nothing is read, not even ahead", async () => {
  const { peer, stream } = await connected("unix");
  const heard = listen(stream);
  stream.once("data", () => stream.pause());
  const sent = numbered(1_000_000);
  peer.end(sent);
  await vi.waitFor(() => expect(heard.pieces).toHaveLength(1));
  await delay(50);
  expect([heard.pieces.length, stream.readableLength]).toEqual([1, 0]);
  stream.resume();
  await once(stream, "end");
  expect(Buffer.concat(heard.pieces).equals(sent)).toBe(true);
});

test("the end of one side does not end the other", async () => {
  const { peer, stream } = await connected("IPv4");
  const heard = listen(stream);
  peer.end("question");
  await once(stream, "end");
  stream.end("answer");
  expect([String(heard.pieces), String(await buffer(peer))]).toEqual(["question", "answer"]);
});

test("what a peer had sent before it left is read to its end, though we go on writing to it", async () => {
  const { peer, stream } = await connected("unix");
  const sent = numbered(50_000);
  peer.end(sent);
  await once(peer, "finish");
  peer.destroy();
  await once(peer, "close");
  const heard = listen(stream);
  for (let write = 0; write < 5; write += 1) {
    if (stream.writable) stream.write("more");
    await delay(1);
  }
  if (!stream.closed) await once(stream, "close");
  expect(Buffer.concat(heard.pieces).equals(sent)).toBe(true);
});

test("a connection that is over makes room for another", async () => {
  const { address, streams, turnedAway } = await listenAt("unix", 1);
  for (let nth = 1; nth <= 3; nth += 1) {
    const peer = await place.connect(address);
    await vi.waitFor(() => expect(streams).toHaveLength(nth));
    const tooMany = await place.connect(address);
    await once(tooMany.resume(), "end");
    expect(turnedAway).toHaveBeenCalledTimes(nth);
    peer.destroy();
    streams[nth - 1]!.resume().end();
    await once(streams[nth - 1]!, "close");
    // The listener counts down in the event after this one.
    await delay(5);
  }
});

test("a connection that we have made is read in the same way", async () => {
  const { address, streams } = await listenAt("IPv4");
  const { signal } = new AbortController();
  const { stream } = await connectOver(address, { signal, timeoutMs: 5_000, chunks: "lent" });
  place.atEnd(() => stream.destroy());
  const heard = listen(stream);
  await vi.waitFor(() => expect(streams).toHaveLength(1));
  streams[0]!.end(numbered(100_000));
  await once(stream, "end");
  expect(Buffer.concat(heard.pieces).equals(numbered(100_000))).toBe(true);
  expect(heard.memories.size).toBe(1);
  stream.end();
  streams[0]!.resume();
  await once(stream, "close");
});

test("a socket that is read already stays as it is", async () => {
  const { address } = await listenAt("unix");
  const peer = await place.connect(address);
  peer.resume();
  expect(withSharedReads(peer)).toBe(peer);
});

test("who did not ask for lent chunks may keep what it is given", async () => {
  const memories = new Set<ArrayBufferLike>();
  let arrived!: (bytes: Buffer) => void;
  const all = new Promise<Buffer>((resolve) => {
    arrived = resolve;
  });
  const listener = await openListener({
    address: anywhere("unix", place),
    maxConnections: 1,
    run: async ({ stream, chunks }) => {
      expect(chunks).toBe("given");
      const kept: Buffer[] = [];
      stream.on("data", (piece: Buffer) => {
        kept.push(piece);
        memories.add(piece.buffer);
      });
      await once(stream, "end");
      stream.end();
      arrived(Buffer.concat(kept));
      return true;
    },
    onTurnedAway: () => {},
  });
  place.atEnd(() => listener.stop());
  const peer = await place.connect(listener.address);
  peer.end(numbered(400_000));
  expect((await all).equals(numbered(400_000))).toBe(true);
  expect(memories.size).toBeGreaterThan(1);
});
