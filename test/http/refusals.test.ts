import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { busyAnswer, textAnswer } from "../../src/http/answer.js";
import type { EndpointContent, EndpointOptions } from "../../src/http/endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "../../src/http/endpoint-server.js";
import { ask, rawConnection, received } from "./clients.js";
import { anyPort } from "./nodes.js";

let server: EndpointServer;
const clients: Socket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server.stop();
});

async function open(options: Partial<EndpointOptions & EndpointContent> = {}): Promise<void> {
  server = await openEndpointServer({
    endpoint: anyPort,
    field: "hasPrometheus",
    route: ({ path }) => {
      if (path === "/busy") return textAnswer(503, "busy");
      if (path === "/broken") throw new Error("broken");
      return path === "/ok" ? textAnswer(200, "ok") : undefined;
    },
    upgrade: () => 404,
    ...options,
  });
}

const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

test.each<[string, number, string]>([
  ["GET /none HTTP/1.1\r\nHost: a\r\n", 404, ""],
  ["GET /busy HTTP/1.1\r\nHost: a\r\n", 503, ""],
  ["GET /broken HTTP/1.1\r\nHost: a\r\n", 500, ""],
  ["POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n", 405, ""],
  ["GET /ok HTTP/1.1\r\nHost: a\r\n", 401, "token"],
  ["HEAD /none HTTP/1.1\r\nHost: a\r\n", 404, ""],
  [`GET /none HTTP/1.1\r\nHost: a\r\n${upgrade}`, 404, ""],
  [`GET /ok HTTP/1.1\r\nHost: a\r\n${upgrade}`, 401, "token"],
  [`POST /ok HTTP/1.1\r\nHost: a\r\n${upgrade}`, 405, ""],
])(
  "a request refused as %j with %i is disconnected even if the client neither reads nor closes",
  async (head, status, token) => {
    await open(token === "" ? {} : { auth: { bearerToken: token } });
    // This client does not close its side even when the server has closed its own.
    const client = connect({ ...server.address, allowHalfOpen: true });
    clients.push(client);
    client.on("error", () => undefined);
    client.write(`${head}\r\n`);
    let text = "";
    client.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
    });
    await expect.poll(() => text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    client.pause();
    await expect.poll(() => server.stats().connections, { timeout: 5_000 }).toBe(0);
  },
);

test("hundreds of refused upgrades do not lock others out", async () => {
  await open({ auth: { bearerToken: "token" }, limits: { maxConnections: 100, reservedConnections: 0 } });
  for (let i = 0; i < 300; i += 1) {
    const client = await rawConnection(server, `GET /ok HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    // It may find no place until earlier ones are closed.
    client.on("error", () => undefined);
    client.pause();
    clients.push(client);
  }
  const headers = { authorization: "Bearer token" };
  const status = () =>
    ask(server, "/ok", { headers }).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(status, { timeout: 10_000 }).toBe(200);
});

const head = "GET /ok HTTP/1.1\r\nHost: a\r\n";

test.each([
  { what: "garbage", text: "garbage\r\n\r\n", status: 400 },
  { what: "two lengths", text: `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, status: 400 },
  {
    what: "a length of a body in chunks",
    text: `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  { what: "headers of 20 KB", text: `${head}X: ${"x".repeat(20_000)}\r\n\r\n`, status: 431 },
  { what: "the preface of HTTP/2", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 400 },
  { what: "half a head", text: head, status: 408 },
])("$what is answered with $status, counted and reported", async ({ text, status }) => {
  const refused: [number, string][] = [];
  await open({
    limits: { requestTimeoutMs: 300 },
    onRefused: (...refusal) => refused.push(refusal),
  });
  const client = await rawConnection(server, text);
  clients.push(client);
  expect(await received(client)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(server.stats().answers.get(status)).toBe(1);
  expect(refused).toEqual([[status, "127.0.0.1"]]);
});

test("a client that expects something unheard-of gets its answer, and so does its next request", async () => {
  await open();
  const client = await rawConnection(
    server,
    `${head}Expect: a miracle\r\n\r\n${head}Connection: close\r\n\r\n`,
  );
  clients.push(client);
  expect((await received(client)).match(/^HTTP\/1.1 200 /gm)).toHaveLength(2);
});

test.each([
  { what: "a wrong token", path: "/ok", status: 401, isReported: true },
  { what: "too much at the same time", path: "/crowd", status: 503, isReported: true },
  { what: "a page that is not there", path: "/none", status: 404, isReported: false },
  { what: "health that is failing", path: "/busy", status: 503, isReported: false },
])("$what is reported: $isReported", async ({ path, status, isReported }) => {
  const refused: number[] = [];
  await open({
    ...(status === 401 && { auth: { bearerToken: "token" } }),
    route: ({ path }) =>
      path === "/crowd" ? busyAnswer() : path === "/busy" ? textAnswer(503, "") : undefined,
    onRefused: (refusal) => refused.push(refusal),
  });
  expect((await ask(server, path)).status).toBe(status);
  expect(refused).toEqual(isReported ? [status] : []);
});

test("a refused upgrade is reported", async () => {
  const refused: number[] = [];
  await open({ upgrade: () => 503, onRefused: (refusal) => refused.push(refusal) });
  const client = await rawConnection(server, `${head}${upgrade}\r\n`);
  clients.push(client);
  expect(await received(client)).toMatch(/^HTTP\/1.1 503 /);
  expect(refused).toEqual([503]);
});

test("a connection that gives way is counted and reported", async () => {
  const closed: string[] = [];
  await open({
    limits: { maxConnections: 1, reservedConnections: 0 },
    onClosed: (reason, host) => closed.push(`${reason} ${host}`),
  });
  for (let i = 0; i < 2; i += 1) clients.push(await rawConnection(server, ""));
  await expect.poll(() => closed).toEqual(["gave-way 127.0.0.1"]);
  expect(server.stats().connectionsClosed.get("gave-way")).toBe(1);
});

test("clients that read nothing of long answers cannot keep all places", async () => {
  const body = { chunks: [Buffer.alloc(30_000_000)], bytes: 30_000_000, encoding: "identity" } as const;
  await open({
    limits: { maxConnections: 4, reservedConnections: 1, answerTimeoutMs: 600_000 },
    route: ({ path }) =>
      path === "/ok" ? textAnswer(200, "ok") : { status: 200, contentType: "text/plain", body },
  });
  for (let i = 0; i < 5; i += 1) {
    const client = await rawConnection(server, "GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
    client.on("error", () => undefined).pause();
    clients.push(client);
    if (i < 4) await expect.poll(() => server.stats().answers.get(200)).toBe(i + 1);
  }
  const status = () =>
    ask(server, "/ok").then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(status, { timeout: 20_000 }).toBe(200);
});

test("viewers get half of the places, so that pages are still served", async () => {
  await open({
    limits: { maxConnections: 4, reservedConnections: 0 },
    upgrade: (_, socket) => {
      socket.resume().once("end", () => socket.destroy());
      return undefined;
    },
  });
  const answers: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    const client = await rawConnection(server, `${head}${upgrade}\r\n`);
    clients.push(client);
    client.on("data", (bytes: Buffer) => answers.push(bytes.toString("latin1").slice(0, 12)));
    await expect.poll(() => server.stats().connections).toBeGreaterThan(i);
  }
  await expect.poll(() => answers).toEqual(["HTTP/1.1 503"]);
  expect((await ask(server, "/ok")).status).toBe(200);
  clients[0]!.destroy();
  await expect.poll(() => server.stats().connections).toBeLessThanOrEqual(1);
  clients.push(await rawConnection(server, `${head}${upgrade}\r\n`));
  await expect.poll(() => server.stats().connections).toBe(2);
});
