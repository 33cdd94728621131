import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { eventually } from "../../../src/testing/eventually.js";
import { formatLinkAddress } from "../../../src/transport/address.js";
import { frameTurns } from "../../../src/transport/links/frame-turns.js";
import { Place } from "../places.js";
import { addressOf, bothEnds, connectAt, listenAt, until } from "./link-ends.js";

// The special features of WebSockets: messages, pings, and other implementations.

const place = new Place();
afterEach(() => {
  vi.useRealTimers();
});

/** A peer with another implementation, and our end of its connection. */
async function foreignPeer() {
  const { address, connections } = await listenAt(addressOf("ws", place), place);
  const peer = new WebSocket(formatLinkAddress(address));
  place.atEnd(() => peer.terminate());
  await once(peer, "open");
  await until(() => expect(connections).toHaveLength(1));
  return { peer, stream: connections[0]!.stream };
}

test("a text message closes the connection with 1003, and is not read as data", async () => {
  const { peer, stream } = await foreignPeer();
  const data: Buffer[] = [];
  const errors: Error[] = [];
  stream.on("data", (chunk: Buffer) => data.push(chunk));
  stream.on("error", (error) => errors.push(error));
  peer.send(Buffer.from("binary"));
  peer.send("text");
  peer.send(Buffer.from("too late"));
  const [code] = await once(peer, "close");
  expect(code).toBe(1_003);
  await until(() => expect(stream.closed).toBe(true));
  expect(String(Buffer.concat(data))).toBe("binary");
  expect(errors.map(({ message }) => message)).toEqual([
    "the peer sent a text message; only binary messages carry the protocol",
  ]);
});

test("a WebSocket that is over waits for no turn", async () => {
  const leave = vi.spyOn(frameTurns, "leave");
  const { peer, stream } = await foreignPeer();
  stream.resume();
  peer.terminate();
  await until(() => expect(leave).toHaveBeenCalledWith(stream));
  leave.mockRestore();
});

test("a message of any length is passed on as it arrives", async () => {
  const { peer, stream } = await foreignPeer();
  let most = 0;
  let all = 0;
  stream.on("data", ({ length }: Buffer) => {
    most = Math.max(most, length);
    all += length;
  });
  peer.send(Buffer.alloc(20 * 1_024 * 1_024));
  await until(() => expect(all).toBe(20 * 1_024 * 1_024));
  expect(most).toBeLessThanOrEqual(256 * 1_024);
});

test("when another implementation closes, its bytes are read to the end, and our stream ends", async () => {
  const { peer, stream } = await foreignPeer();
  peer.send(Buffer.from("last words"));
  peer.close(1_000);
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await once(stream, "end");
  expect(String(Buffer.concat(pieces))).toBe("last words");
  stream.end("nobody reads this");
  if (!stream.closed) await once(stream, "close");
});

test("our end is an empty message to another implementation, which can send until it closes", async () => {
  const { peer, stream } = await foreignPeer();
  const messages: number[] = [];
  peer.on("message", (message: Buffer) => messages.push(message.length));
  stream.end("bye");
  await until(() => expect(messages).toEqual([3, 0]));
  peer.send(Buffer.from("still here"));
  expect(String((await once(stream, "data"))[0])).toBe("still here");
  peer.close();
  await until(() => expect(stream.closed).toBe(true));
});

test("a write longer than a message is split into several, whole and in order", async () => {
  const { peer, stream } = await foreignPeer();
  const messages: Buffer[] = [];
  peer.on("message", (message: Buffer) => messages.push(message));
  const sent = Buffer.alloc(700_000);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32BE(at, at);
  stream.write(sent);
  await until(() => expect(Buffer.concat(messages).length).toBe(sent.length));
  expect(Buffer.concat(messages).equals(sent)).toBe(true);
  expect(messages.length).toBe(3);
});

test.each(["ws", "wss"] as const)("over %s masks are zero only if TLS hides them", async (kind) => {
  const masks: Buffer[] = [];
  const http = createServer();
  http.on("upgrade", (request, socket, head) => {
    socket.once("data", (frame: Buffer) => masks.push(Buffer.from(frame.subarray(2, 6))));
    new WebSocketServer({ noServer: true }).handleUpgrade(request, socket, head, () => {});
  });
  if (kind === "ws") {
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    place.atEnd(() => http.close());
    const { port } = http.address() as { port: number };
    const stream = await connectAt({ kind: "ws", host: "127.0.0.1", port, path: "/" }, place);
    stream.write("masked");
    await until(() => expect(masks).toHaveLength(1));
    expect(masks[0]!.equals(Buffer.alloc(4))).toBe(false);
    stream.destroy();
    return;
  }
  const { createServer: createTls } = await import("node:tls");
  const { certificate } = await import("../certificates.js");
  const tls = createTls(certificate("server"), (socket) => http.emit("connection", socket)).listen(
    0,
    "127.0.0.1",
  );
  await once(tls, "listening");
  place.atEnd(() => tls.close());
  const { port } = tls.address() as { port: number };
  const stream = await connectAt({ kind: "wss", host: "127.0.0.1", port, path: "/" }, place);
  stream.write("not masked");
  await until(() => expect(masks).toHaveLength(1));
  expect(masks[0]!.equals(Buffer.alloc(4))).toBe(true);
  stream.destroy();
});

/** A connection whose other end does not answer pings, with clocks that the test controls. */
async function mutePeer() {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const { address, connections } = await listenAt(addressOf("ws", place), place);
  const peer = new WebSocket(formatLinkAddress(address), { autoPong: false });
  place.atEnd(() => peer.terminate());
  await once(peer, "open");
  await eventually(() => expect(connections).toHaveLength(1));
  return { peer, stream: connections[0]!.stream };
}

test("a peer that does not answer pings is given up after 40 s, and not before", async () => {
  const { peer, stream } = await mutePeer();
  const pings = vi.fn();
  const errors: Error[] = [];
  peer.on("ping", pings);
  stream.on("error", (error) => errors.push(error)).resume();
  vi.advanceTimersByTime(20_000);
  await eventually(() => expect(pings).toHaveBeenCalledTimes(1));
  vi.advanceTimersByTime(19_999);
  expect(stream.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  await eventually(() => expect(stream.closed).toBe(true));
  expect(errors[0]?.message).toBe("nothing received for 20 s, not even an answer to a ping");
});

test("any byte shows that the peer is alive, and silence counts only while Muninn reads", async () => {
  const { peer, stream } = await mutePeer();
  stream.resume();
  for (let beat = 0; beat < 4; beat += 1) {
    vi.advanceTimersByTime(20_000);
    peer.send(Buffer.from("here"));
    await once(stream, "data");
  }
  stream.pause();
  const piece = Buffer.alloc(256 * 1_024);
  peer.send(piece);
  peer.send(piece);
  for (let beat = 0; beat < 5; beat += 1) vi.advanceTimersByTime(20_000);
  expect(stream.destroyed).toBe(false);
});

test("a quiet connection that Muninn opened is kept alive by the answers to its pings", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const { ours, theirs } = await bothEnds("wss", place);
  ours.stream.resume();
  theirs.resume();
  for (let beat = 0; beat < 10; beat += 1) {
    vi.advanceTimersByTime(20_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect([ours.stream.destroyed, theirs.destroyed]).toEqual([false, false]);
});

test("pings are answered only while 16 KiB at most of what we sent are unread", async () => {
  const { peer } = await foreignPeer();
  const pongs = vi.fn();
  peer.on("pong", (payload: Buffer) => pongs(String(payload)));
  const unread = vi.spyOn(WebSocket.prototype, "bufferedAmount", "get");
  for (const [bytes, payload] of [
    [16 * 1_024 - 1, "few"],
    [16 * 1_024, "many"],
    [0, "none"],
  ] as const) {
    unread.mockReturnValue(bytes);
    peer.ping(payload);
    // Of several pings that arrive together only the last is answered.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  unread.mockRestore();
  await until(() => expect(pongs.mock.calls.flat()).toEqual(["few", "none"]));
});

test("a peer that does not answer our close is disconnected after a second", async () => {
  const { address, connections } = await listenAt(addressOf("ws", place), place);
  if (!("port" in address)) throw new Error("no port");
  const socket = await place.connect({ kind: "tcp", host: address.host, port: address.port });
  socket.write(
    "GET /nodes HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  await once(socket, "data");
  await until(() => expect(connections).toHaveLength(1));
  const { stream } = connections[0]!;
  const closed = new Promise((resolve) => stream.on("error", () => {}).once("close", resolve));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  // A frame of text, which is not allowed.
  socket.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]));
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer[0]).toBe(0x88);
  vi.advanceTimersByTime(999);
  await new Promise(setImmediate);
  expect(stream.closed).toBe(false);
  vi.advanceTimersByTime(1);
  await closed;
});
