import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textAnswer } from "../../src/http/answer.js";
import { type EndpointServer, openEndpointServer } from "../../src/http/endpoint-server.js";
import { BytesAhead, GatedConnection } from "../../src/http/gated-connection.js";
import { rawConnection, received } from "./clients.js";
import { anyPort } from "./nodes.js";

const request = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

describe("a client's pipelined requests", () => {
  let server: EndpointServer;
  let underWay: number;
  let mostUnderWay: number;
  let clients: Socket[];

  beforeEach(async () => {
    underWay = 0;
    mostUnderWay = 0;
    clients = [];
    server = await openEndpointServer({
      endpoint: anyPort,
      field: "hasPrometheus",
      route: async ({ path }) => {
        underWay += 1;
        mostUnderWay = Math.max(mostUnderWay, underWay);
        await new Promise(setImmediate);
        underWay -= 1;
        return textAnswer(200, `this is ${path}`);
      },
    });
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    await server.stop();
  });

  async function send(text: string): Promise<Socket> {
    const client = await rawConnection(server, text);
    clients.push(client);
    return client;
  }
  const pathsIn = (text: string) => [...text.matchAll(/this is (\S+)\n/g)].map(([, path]) => path);

  test("are answered in order, one after the other", async () => {
    const paths = Array.from({ length: 3_000 }, (_, i) => `/${i}`);
    const client = await send(
      `${paths.map((path) => request(path)).join("")}${request("/last", "Connection: close\r\n")}`,
    );
    expect(pathsIn(await received(client))).toEqual([...paths, "/last"]);
    expect(mostUnderWay).toBe(1);
  });

  test.each([1, 2, 7, 26])("are recognized wherever they are split (every %i bytes)", async (size) => {
    const text = `\r\n${request("/a")}\r\n\r\n${request("/b")}${request("/c", "Connection: close\r\n")}`;
    const client = await send("");
    client.setNoDelay(true);
    const answers = received(client);
    for (let i = 0; i < text.length; i += size) {
      client.write(text.slice(i, i + size));
      await new Promise(setImmediate);
    }
    expect(pathsIn(await answers)).toEqual(["/a", "/b", "/c"]);
    expect(mostUnderWay).toBe(1);
  });

  test("are answered even after the client has closed its side", async () => {
    const client = await send("");
    client.end(`${request("/a")}${request("/b")}`);
    expect(pathsIn(await received(client))).toEqual(["/a", "/b"]);
  });

  test("do not delay other connections", async () => {
    const flood = Array.from({ length: 20 }, () => send(request("/flood").repeat(2_000)));
    for (const client of await Promise.all(flood)) client.resume();
    const other = await send(request("/other", "Connection: close\r\n"));
    expect(pathsIn(await received(other))).toEqual(["/other"]);
    expect(mostUnderWay).toBeLessThanOrEqual(21);
  });

  test("are not read out of the body of another request", async () => {
    const body = request("/smuggled");
    const client = await send(
      `${request("/a", `Content-Length: ${body.length}\r\n`)}${body}${request("/b")}`,
    );
    const text = await received(client);
    expect(pathsIn(text)).toEqual(["/a"]);
    expect(text).toMatch(/\r\nConnection: close\r\n/);
  });
});

describe("a gated connection", () => {
  let ahead: BytesAhead;
  let gated: GatedConnection;
  let client: Socket;
  let given: string;
  let below: Socket;

  beforeEach(async () => {
    ahead = new BytesAhead({ maxBytes: 100 });
    given = "";
    const listener = createServer({ allowHalfOpen: true });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
    const [socket] = (await once(listener, "connection")) as [Socket];
    below = socket;
    gated = new GatedConnection(socket, ahead);
    gated.setEncoding("latin1");
    gated.on("data", (text: string) => {
      given += text;
    });
    listener.close();
  });
  afterEach(() => {
    client.destroy();
    gated.destroy();
  });

  test("passes on one head, and counts the waiting bytes", async () => {
    client.write(request("/a") + request("/b"));
    await expect.poll(() => given).toBe(request("/a"));
    expect(ahead.bytes).toBe(request("/b").length);
    gated.nextRequest();
    await expect.poll(() => given).toBe(request("/a") + request("/b"));
    expect(ahead.bytes).toBe(0);
  });

  test("passes on an upgraded connection in small pieces, each in a turn of the event loop", async () => {
    const pieces: number[] = [];
    const turns = new Set<number>();
    let turn = 0;
    gated.on("data", (text: string) => {
      pieces.push(text.length);
      turns.add(turn);
    });
    gated.removeGate();
    client.write("x".repeat(20_000));
    while (given.length < 20_000) {
      turn += 1;
      await new Promise(setImmediate);
    }
    expect(Math.max(...pieces)).toBe(4_096);
    expect(turns.size).toBe(pieces.length);
  });

  test("discards bytes beyond the shared limit, and closes after the answer", async () => {
    client.write(request("/a") + request("/b").repeat(10));
    await expect.poll(() => given).toBe(request("/a"));
    expect(ahead.bytes).toBe(0);
    const text = received(client);
    gated.write("answer");
    gated.nextRequest();
    expect(await text).toBe("answer");
    expect(given).toBe(request("/a"));
  });

  test("is not read further while an answer is awaited", async () => {
    ahead = new BytesAhead({ maxBytes: 1_000_000 });
    gated.removeAllListeners();
    below.removeAllListeners("data");
    gated = new GatedConnection(below, ahead);
    gated.resume();
    client.write(request("/a") + "x".repeat(1_000_000));
    await expect.poll(() => ahead.bytes).toBeGreaterThan(10_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(below.bytesRead).toBeLessThanOrEqual(2 * 16_384);
    expect(below.readableLength).toBe(0);
  });

  test("counts no bytes once it is closed", async () => {
    client.write(request("/a") + request("/b"));
    await expect.poll(() => ahead.bytes).toBeGreaterThan(0);
    gated.destroy();
    expect(ahead.bytes).toBe(0);
  });

  test("passes everything on once it is no longer HTTP", async () => {
    client.write(`${request("/a")}\n\n\n\n`);
    await expect.poll(() => given).toBe(request("/a"));
    gated.removeGate();
    client.write("\n\nframes\n\nframes");
    await expect.poll(() => given).toBe(`${request("/a")}\n\n\n\n\n\nframes\n\nframes`);
  });

  test("closes soon after the last answer, even if the client neither reads nor closes", async () => {
    client.pause();
    gated.write("x".repeat(50_000_000));
    gated.destroySoon();
    await once(gated, "close");
    expect(gated.destroyed).toBe(true);
  });

  test("delivers a last answer to a client that is still sending", async () => {
    const text = received(client);
    client.write("x".repeat(100_000));
    gated.write("no");
    gated.destroySoon();
    expect(await text).toBe("no");
  });
});
