import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import type { LinkAddress } from "../../../src/transport/address.js";
import { connectOver } from "../../../src/transport/links/kinds.js";
import { authority } from "../certificates.js";
import { Place } from "../places.js";
import { addressOf, bothEnds, connectAt, listenAt, openDoor, until } from "./link-ends.js";

// The promises common to every kind of link.

const place = new Place();
const kinds = ["unix", "tcp", "tls", "ws", "wss"] as const;

/** Everything received until the end; unlike an iterator it leaves the stream open. */
async function all(stream: Duplex): Promise<Buffer> {
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await once(stream, "end");
  return Buffer.concat(pieces);
}

/** Bytes in which every group of four is different. */
function numbered(bytes: number): Buffer {
  const numbers = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) numbers.writeUInt32BE(at, at);
  return numbers;
}

test.each(kinds)("bytes pass over %s both ways, whole and in order", async (kind) => {
  const { ours, theirs } = await bothEnds(kind, place);
  expect(ours).toMatchObject({ opener: "peer", id: kind === "unix" ? "unix-1" : "127.0.0.1-1" });
  const sent = numbered(3_000_000);
  theirs.end(sent);
  ours.stream.end(sent.subarray(0, 1_000_000));
  const [there, here] = await Promise.all([all(ours.stream), all(theirs)]);
  expect(there.equals(sent)).toBe(true);
  expect(here.equals(sent.subarray(0, 1_000_000))).toBe(true);
});

test.each(kinds)("the end of one side over %s does not end the other", async (kind) => {
  const { ours, theirs } = await bothEnds(kind, place);
  ours.stream.end("question");
  expect(String(await all(theirs))).toBe("question");
  const answer = all(ours.stream);
  for (let piece = 0; piece < 10; piece += 1) {
    theirs.write(`answer ${piece};`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  theirs.end();
  expect(String(await answer)).toBe(Array.from({ length: 10 }, (_, piece) => `answer ${piece};`).join(""));
  await Promise.all([ours.stream, theirs].map((end) => end.closed || once(end, "close")));
});

test.each(kinds)(
  "all that a peer had sent over %s before it ended is read, even while we write",
  async (kind) => {
    const { ours, theirs } = await bothEnds(kind, place);
    const sent = numbered(200_000);
    theirs.end(sent);
    await once(theirs, "finish");
    for (let write = 0; write < 5; write += 1) {
      if (ours.stream.writable) ours.stream.write("more");
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await all(ours.stream)).equals(sent)).toBe(true);
  },
);

test.each(kinds)("a reader that stops reading holds up the sender over %s", async (kind) => {
  const { ours, theirs } = await bothEnds(kind, place);
  const piece = Buffer.alloc(256 * 1_024, "x");
  let written = 0;
  // Far more than the kernel's and the buffers of both ends hold.
  while (written < 256 && theirs.write(piece)) {
    written += 1;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(written).toBeLessThan(256);
  ours.stream.resume();
  if (theirs.writableNeedDrain) await once(theirs, "drain");
});

test.each(kinds)("destroying a peer ends our reading over %s", async (kind) => {
  const { ours, theirs } = await bothEnds(kind, place);
  ours.stream.resume();
  const over = once(ours.stream, "close");
  ours.stream.once("end", () => ours.stream.end());
  theirs.destroy();
  await over;
});

test.each(kinds)("after a stop nobody can connect over %s, and open connections stay", async (kind) => {
  const { listener, address, connections } = await listenAt(addressOf(kind, place), place);
  const theirs = await connectAt(address, place);
  await until(() => expect(connections).toHaveLength(1));
  await Promise.all([listener.stop(), listener.stop()]);
  expect(listener.listening).toBe(false);
  await expect(connectAt(address, place)).rejects.toThrow();
  theirs.write("still here");
  expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("still here");
});

test.each(["tls", "ws", "wss"] as const)(
  "a stop of %s does not wait for unfinished handshakes",
  async (kind) => {
    const { listener, address, refusals } = await listenAt(addressOf(kind, place), place);
    if (!("port" in address)) throw new Error("no port");
    const slow = await place.connect({ kind: "tcp", host: address.host, port: address.port });
    slow.write("G");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const gone = once(slow.resume(), "close");
    await listener.stop();
    slow.end();
    await gone;
    expect(refusals).toEqual([]);
  },
);

test.each(["tls", "wss"] as const)("new certificates of %s apply to new connections", async (kind) => {
  const { listener, address, connections } = await listenAt(addressOf(kind, place), place);
  const first = await connectAt(address, place);
  const { certificate } = await import("../certificates.js");
  listener.setCredentials({ ...certificate("renewed"), access: "anyone" });
  await connectAt(address, place);
  await until(() => expect(connections).toHaveLength(2));
  first.write("still here");
  expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("still here");
  expect(() => listener.setCredentials({ ...openDoor, cert: "no certificate" })).toThrow();
  await connectAt(address, place);
});

test.each(["tls", "wss"] as const)(
  "no session of %s is resumed: its certificate might not be accepted any more",
  async (kind) => {
    const { address } = await listenAt(addressOf(kind, place), place);
    if (!("port" in address)) throw new Error("no port");
    const where = { host: address.host, port: address.port, ca: authority, servername: "localhost" };
    const first = connectTls({ ...where, maxVersion: "TLSv1.2" });
    await once(first, "secureConnect");
    const session = first.getSession();
    first.destroy();
    const second = connectTls({ ...where, maxVersion: "TLSv1.2", session });
    place.atEnd(() => second.destroy());
    await once(second, "secureConnect");
    expect(second.isSessionReused()).toBe(false);
  },
);

test.each(["tls", "ws", "wss"] as const)(
  "an attempt to connect over %s to a server that says nothing ends when it is aborted",
  async (kind) => {
    const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    place.atEnd(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const giveUp = new AbortController();
    const where = { ...addressOf(kind, place), port } as LinkAddress;
    const attempt = connectOver(where, { signal: giveUp.signal, timeoutMs: 1_000_000 });
    const failed = expect(attempt).rejects.toThrow(/abort/);
    await once(server, "connection");
    await new Promise((resolve) => setTimeout(resolve, 20));
    giveUp.abort();
    await failed;
  },
);
