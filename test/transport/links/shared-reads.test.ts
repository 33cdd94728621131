import { once } from "node:events";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { connectOver } from "../../../src/transport/links/kinds.js";
import { openListener } from "../../../src/transport/listener.js";
import { authority } from "../certificates.js";
import { anywhere, Place } from "../places.js";
import { addressOf, connectAt, listenAt, until } from "./link-ends.js";

const place = new Place();

type Kind = Parameters<typeof addressOf>[0];
const kinds = ["unix", "tcp", "tls", "ws", "wss"] as const;

/** The connections of a listening tracer, the newest last. */
async function listenLent(kind: Kind, maxConnections = 10) {
  const tooMany = vi.fn();
  const options = { maxConnections, chunks: "lent", onTooMany: tooMany } as const;
  return { ...(await listenAt(addressOf(kind, place), place, options)), tooMany };
}

async function connected(kind: Kind) {
  const { address, connections } = await listenLent(kind);
  const peer = await connectAt(address, place);
  await until(() => expect(connections).toHaveLength(1));
  expect(connections[0]!.chunks).toBe("lent");
  return { peer, stream: connections[0]!.stream };
}

/** Copies what it receives, as any reader that keeps it must. */
function listen(stream: Duplex) {
  const received = { pieces: [] as Buffer[], memories: new Set<ArrayBufferLike>() };
  stream.on("data", (piece: Buffer) => {
    received.pieces.push(Buffer.from(piece));
    received.memories.add(piece.buffer);
  });
  return received;
}

/** Bytes in which every group of four is different. */
function numbered(bytes: number): Buffer {
  const numbers = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) numbers.writeUInt32BE(at, at);
  return numbers;
}

test.each(kinds)("bytes over %s are received whole and in order", async (kind) => {
  const { peer, stream } = await connected(kind);
  const received = listen(stream);
  const sent = numbered(3_000_000);
  peer.end(sent);
  await once(stream, "end");
  expect(Buffer.concat(received.pieces).equals(sent)).toBe(true);
});

test.each(kinds)("all reads of all sockets of %s share one memory", async (kind) => {
  const { address, connections } = await listenLent(kind);
  const peers = [await connectAt(address, place), await connectAt(address, place)];
  await until(() => expect(connections).toHaveLength(2));
  const streams = connections.map(({ stream }) => stream);
  const received = streams.map(listen);
  for (let write = 0; write < 20; write += 1) {
    for (const peer of peers) peer.write(numbered(4_000));
    await delay(1);
  }
  for (const peer of peers) peer.end();
  await Promise.all(streams.map((stream) => once(stream, "end")));
  expect(received.map(({ pieces }) => Buffer.concat(pieces).length)).toEqual([80_000, 80_000]);
  expect(new Set(received.flatMap(({ memories }) => [...memories])).size).toBe(1);
});

test.each(kinds)("bytes that arrive over %s before anybody listens wait", async (kind) => {
  const { peer, stream } = await connected(kind);
  const sent = numbered(1_000_000);
  peer.write(sent.subarray(0, 40));
  await vi.waitFor(() => expect(stream.readableLength).toBe(40));
  peer.end(sent.subarray(40));
  await delay(20);
  expect((await buffer(stream)).equals(sent)).toBe(true);
});

/** The bytes already read from the socket that are still passed on: TLS keeps every record, a WebSocket gives everything on at once. */
const readAhead = { unix: 0, tcp: 0, tls: 32 * 1_024, ws: 0, wss: 0 } as const;
const givenOnBytes = { unix: 0, tcp: 0, tls: 0, ws: 256 * 1_024, wss: 256 * 1_024 } as const;

test.each(kinds)("while a socket of %s is paused it is neither read nor read ahead", async (kind) => {
  const { peer, stream } = await connected(kind);
  const received = listen(stream);
  stream.once("data", () => stream.pause());
  const sent = numbered(1_000_000);
  peer.end(sent);
  await until(() => expect(received.pieces.length).toBeGreaterThan(0));
  await delay(50);
  const givenOn = received.pieces.slice(1).reduce((sum, { length }) => sum + length, 0);
  expect(givenOn).toBeLessThanOrEqual(givenOnBytes[kind]);
  expect(stream.readableLength).toBeLessThanOrEqual(readAhead[kind]);
  stream.resume();
  await once(stream, "end");
  expect(Buffer.concat(received.pieces).equals(sent)).toBe(true);
});

test("the end of one side does not end the other", async () => {
  const { peer, stream } = await connected("tcp");
  const received = listen(stream);
  peer.end("question");
  await once(stream, "end");
  stream.end("answer");
  expect([String(received.pieces), String(await buffer(peer))]).toEqual(["question", "answer"]);
});

test("all that a peer sent before it left is read, even while we keep writing to it", async () => {
  const { peer, stream } = await connected("unix");
  const sent = numbered(50_000);
  peer.end(sent);
  await once(peer, "finish");
  peer.destroy();
  await once(peer, "close");
  const received = listen(stream);
  for (let write = 0; write < 5; write += 1) {
    if (stream.writable) stream.write("more");
    await delay(1);
  }
  if (!stream.closed) await once(stream, "close");
  expect(Buffer.concat(received.pieces).equals(sent)).toBe(true);
});

test("a connection that is over frees its place for another", async () => {
  const { address, connections, tooMany } = await listenLent("unix", 1);
  for (let nth = 1; nth <= 3; nth += 1) {
    const peer = await connectAt(address, place);
    await until(() => expect(connections).toHaveLength(nth));
    const { stream } = connections[nth - 1]!;
    const refused = await connectAt(address, place);
    await once(refused.resume(), "end");
    expect(tooMany).toHaveBeenCalledTimes(nth);
    peer.destroy();
    stream.resume().end();
    await once(stream, "close");
    // The listener counts down in the event after this one.
    await delay(5);
  }
});

test.each(kinds)("a connection over %s that Muninn opened is read in the same way", async (kind) => {
  const { address, connections } = await listenAt(addressOf(kind, place), place);
  const { signal } = new AbortController();
  const credentials = { ca: authority };
  const { stream } = await connectOver(address, { signal, timeoutMs: 5_000, chunks: "lent", credentials });
  place.atEnd(() => stream.destroy());
  const received = listen(stream);
  await until(() => expect(connections).toHaveLength(1));
  const far = connections[0]!.stream;
  far.end(numbered(100_000));
  await once(stream, "end");
  expect(Buffer.concat(received.pieces).equals(numbered(100_000))).toBe(true);
  expect(received.memories.size).toBe(1);
  stream.end();
  far.resume();
  await once(stream, "close");
});

test("a reader that did not ask for lent chunks may keep its chunks", async () => {
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
    onTooMany: () => {},
  });
  place.atEnd(() => listener.stop());
  const peer = await place.connect(listener.address);
  peer.end(numbered(400_000));
  expect((await all).equals(numbered(400_000))).toBe(true);
  expect(memories.size).toBeGreaterThan(1);
});
