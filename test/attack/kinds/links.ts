import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../../src/protocol/mux.js";
import { freePort } from "../../end-to-end/daemon.js";
import { certificateFile } from "../../transport/certificates.js";
import type { Attack, Target } from "../attack.js";
import { proposal } from "../hostile-peer.js";
import { unfinishedObject } from "./answers.js";
import { get, upgrade } from "./http.js";
import { seconds } from "./metrics.js";

const port = await freePort("127.0.0.1");
const tls = {
  certificateFile: certificateFile("server"),
  certificateKeyFile: certificateFile("server-key"),
};

function link(kind: "tls" | "ws" | "wss"): NonNullable<Attack["config"]> {
  const listen = `${kind}://127.0.0.1:${port}${kind === "tls" ? "" : "/nodes"}`;
  return { muninn: { links: [{ listen, access: "anyone", ...(kind !== "ws" && { tls }) }] } };
}

/** The header of a client's frame, with a mask of zeros. */
function frame(opcode: number, payload: Uint8Array, { isLast = true, bytes = payload.length } = {}): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode;
  const head =
    bytes < 126
      ? Buffer.from([first, 0x80 | bytes])
      : Buffer.concat([Buffer.from([first, 0xff]), longLength(bytes)]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

function longLength(bytes: number): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(bytes));
  return length;
}

/** Open WebSockets whose answers nobody reads, each from another address of this machine; all closed at the end of `use`. */
async function withWebSockets(
  count: number,
  use: (send: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
) {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index += 1) {
    const socket = connect({ host: "127.0.0.1", port, localAddress: addressOf(index) });
    sockets.push(socket.on("error", () => {}));
    socket.write(`GET /nodes HTTP/1.1\r\nHost: h\r\n${upgrade}\r\n`);
  }
  try {
    await seconds(0.5);
    await use(async (bytes) => {
      await Promise.all(
        sockets.map(async (socket) => {
          if (socket.destroyed || socket.write(bytes)) return;
          await Promise.race([once(socket, "drain"), once(socket, "close"), seconds(2)]).catch(() => {});
        }),
      );
    });
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function addressOf(index: number): string {
  return `127.0.${1 + (index >> 7)}.${1 + (index & 127)}`;
}

/** A client of TLS that holds back everything after its hello until it is released. */
function holdingBack(localAddress: string): { socket: Socket; release: () => void } {
  const socket = connect({ host: "127.0.0.1", port, localAddress }).on("error", () => {});
  const held: Buffer[] = [];
  let hasGreeted = false;
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      if (hasGreeted) held.push(chunk);
      else socket.write(chunk);
      hasGreeted = true;
      done();
    },
  });
  socket.on("data", (chunk) => stream.push(chunk));
  connectTls({ socket: stream, rejectUnauthorized: false }).on("error", () => {});
  return { socket, release: () => socket.write(Buffer.concat(held)) };
}

/** TLS handshakes, this many at a time, each from another address. */
async function handshakes({ pick }: Target, count: number): Promise<void> {
  for (let round = 0; round < pick(1, 5); round += 1) {
    const peers = Array.from({ length: count }, (_, index) =>
      connectTls({
        host: "127.0.0.1",
        port,
        localAddress: addressOf(index),
        rejectUnauthorized: false,
      } as object).on("error", () => {}),
    );
    await Promise.race([
      Promise.all(peers.map((peer) => once(peer, "secureConnect").catch(() => {}))),
      seconds(30),
    ]);
    for (const peer of peers) peer.destroy();
  }
}

/** Attacks on links. */
export const links: readonly Attack[] = [
  {
    name: "many TLS handshakes at the same time",
    config: link("tls"),
    run: (target) => handshakes(target, target.pick(200, 1_000)),
  },
  {
    name: "the ends of handshakes of TLS at the same moment",
    onlyWhole: true,
    config: link("tls"),
    bounds: { logBytes: 512 * 1_024 },
    run: async () => {
      const peers = Array.from({ length: 1_000 }, (_, index) => holdingBack(addressOf(index)));
      await seconds(8);
      for (const { release } of peers) release();
      await seconds(2);
      for (const { socket } of peers) socket.destroy();
    },
  },
  {
    name: "thousands of requests for WebSockets in one piece",
    config: link("ws"),
    run: async ({ pick }) => {
      const requests = get("/").repeat(20_000);
      const peers = Array.from({ length: pick(30, 200) }, (_, index) =>
        connect({ host: "127.0.0.1", port, localAddress: addressOf(index) }).on("error", () => {}),
      );
      for (const peer of peers) peer.write(requests);
      await seconds(2);
      for (const peer of peers) peer.destroy();
    },
    counted: [/^muninn_link_refusals_total/],
    said: ["link_refused"],
  },
  {
    name: "peers of more addresses than there are lines for, refused again and again",
    onlyWhole: true,
    config: link("ws"),
    bounds: { logBytes: 512 * 1_024 },
    run: async () => {
      for (let round = 0; round < 6; round += 1) {
        const peers = Array.from({ length: 1_500 }, (_, index) =>
          connect({ host: "127.0.0.1", port, localAddress: addressOf(index) }).on("error", () => {}),
        );
        for (const peer of peers) peer.write(get("/"));
        await seconds(1.5);
        for (const peer of peers) peer.destroy();
      }
    },
  },
  {
    name: "WebSocket messages that never end",
    config: link("ws"),
    run: ({ pick }) =>
      withWebSockets(pick(60, 400), async (send) => {
        await send(frame(2, Buffer.alloc(2 ** 20), { bytes: 15 * 2 ** 20 }));
        for (let piece = 0; piece < pick(9, 12); piece += 1) await send(Buffer.alloc(2 ** 20));
        await seconds(1);
      }),
  },
  {
    name: "WebSocket messages in fragments of one byte",
    config: link("ws"),
    run: ({ pick }) =>
      withWebSockets(pick(30, 300), async (send) => {
        await send(frame(2, Buffer.alloc(1), { isLast: false }));
        const fragments = Buffer.concat(new Array(16_000).fill(frame(0, Buffer.alloc(1), { isLast: false })));
        for (let piece = 0; piece < pick(4, 20); piece += 1) await send(fragments);
        await seconds(1);
      }),
  },
  {
    name: "nodes whose objects never end, in WebSocket frames of 32 KiB",
    config: link("ws"),
    bounds: { logBytes: 2 * 1_048_576 },
    run: ({ pick }) =>
      withWebSockets(pick(150, 2_000), async (send) => {
        const object = unfinishedObject(15 * 2 ** 20).subarray(0, 2 ** 20);
        const segments = encodeSegments("opener", miniProtocols.traceObjects, object, 0, 32_760);
        const frames = Array.from({ length: 32 }, (_, index) =>
          frame(2, segments.subarray(index * 32_768, (index + 1) * 32_768)),
        );
        await send(frame(2, proposal));
        await seconds(1);
        await send(Buffer.concat(frames));
        await seconds(pick(1, 3));
      }),
  },
  {
    name: "WebSocket peers that send pings and read nothing",
    config: link("ws"),
    run: ({ pick }) =>
      withWebSockets(pick(10, 40), async (send) => {
        const pings = Buffer.concat(new Array(8_000).fill(frame(9, Buffer.alloc(125))));
        for (let piece = 0; piece < pick(60, 200); piece += 1) await send(pings);
      }),
  },
];
