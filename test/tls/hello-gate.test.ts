import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls, createServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HelloGate } from "../../src/tls/hello-gate.js";
import { serverTls } from "../../src/tls/server-options.js";

const pem = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../http/certificates/${name}.pem`, import.meta.url)));

describe("a server that is entered through a gate", () => {
  let server: Server;
  let port: number;
  let starts: (() => void)[];
  let secured: number;
  let sockets: Socket[];

  beforeEach(async () => {
    starts = [];
    secured = 0;
    sockets = [];
    const tls = createServer({ cert: pem("server"), key: pem("server-key"), ...serverTls });
    tls.on("tlsClientError", () => {});
    tls.on("secureConnection", (socket) => {
      gate.finished(socket);
      secured += 1;
      socket.on("error", () => {}).end("hello");
    });
    const gate = new HelloGate({ inTurn: (start) => starts.push(start) });
    server = createTcpServer((socket) => {
      sockets.push(socket);
      gate.enter(socket, () => tls.emit("connection", socket));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function client(first?: Uint8Array): Promise<Socket> {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    if (first !== undefined) socket.write(first);
    return socket;
  }

  function secureClient(options: ConnectionOptions = {}): Socket {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
    sockets.push(socket.on("error", () => {}));
    return socket;
  }

  async function startsAre(count: number): Promise<void> {
    while (starts.length < count) await new Promise(setImmediate);
  }

  test("starts a handshake in turn, once its client has said something", async () => {
    await client();
    const socket = secureClient();
    await startsAre(1);
    expect(secured).toBe(0);
    starts[0]!();
    const [text] = (await once(socket, "data")) as [Buffer];
    expect(text.toString()).toBe("hello");
    expect(starts).toHaveLength(1);
  });

  test("understands a hello that comes in pieces", async () => {
    const hello = await helloOf();
    const socket = await client(hello.subarray(0, 10));
    await startsAre(1);
    starts[0]!();
    socket.write(hello.subarray(10));
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer[0]).toBe(22);
  });

  test("keeps at most sixteen clients that have sent only part of it", async () => {
    const half = (await helloOf()).subarray(0, 10);
    const first = await client(half);
    await startsAre(1);
    starts[0]!();
    // These have their answer, and count no more.
    for (let n = 2; n <= 4; n += 1) {
      secureClient();
      await startsAre(n);
      starts[n - 1]!();
      while (secured < n - 1) await new Promise(setImmediate);
    }
    for (let n = 5; n <= 19; n += 1) {
      await client(half);
      await startsAre(n);
      starts[n - 1]!();
    }
    expect(first.destroyed).toBe(false);
    await client(half);
    await startsAre(20);
    starts[19]!();
    await once(first, "close");
  });

  test("of those who hold back the end of their handshake lets 256 stay", async () => {
    const whole = secureClient();
    await startsAre(1);
    starts[0]!();
    while (secured < 1) await new Promise(setImmediate);
    const held: Socket[] = [];
    for (let n = 0; n < 257; n += 1) {
      const socket = await client();
      held.push(socket);
      holdingBack(socket);
      await startsAre(n + 2);
      starts[n + 1]!();
      if (!socket.readableEnded) await once(socket, "data");
      if (n === 255) expect(held.every(({ destroyed }) => !destroyed)).toBe(true);
    }
    await once(held[0]!, "close");
    expect(held.filter(({ destroyed }) => destroyed)).toEqual([held[0]]);
    expect(whole.destroyed).toBe(false);
  });

  test.each<[string, ConnectionOptions, boolean]>([
    ["an elliptic curve", { ecdhCurve: "prime256v1" }, true],
    ["numbers of 8,192 bits", { ecdhCurve: "ffdhe8192" }, false],
    ["RSA", { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256" }, false],
  ])("agrees on a key by %s: %s", async (_, options, isAllowed) => {
    const socket = secureClient(options);
    await startsAre(1);
    starts[0]!();
    const ended = await new Promise((resolve) => {
      socket.once("data", () => resolve(true));
      socket.once("close", () => resolve(false));
    });
    expect(ended).toBe(isAllowed);
  });
});

/** Speaks TLS over a socket, but sends nothing after its hello. */
function holdingBack(socket: Socket): void {
  let isFirst = true;
  const stream = new Duplex({
    read: () => {},
    write: (chunk, _, done) => {
      if (isFirst) socket.write(chunk);
      isFirst = false;
      done();
    },
  });
  socket.on("data", (chunk) => stream.push(chunk));
  connectTls({ socket: stream, rejectUnauthorized: false }).on("error", () => {});
}

/** What a client of TLS says first. */
async function helloOf(): Promise<Buffer> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connectTls({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}
