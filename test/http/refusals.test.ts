import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { textAnswer } from "../../src/http/answer.js";
import type { EndpointContent, EndpointOptions } from "../../src/http/endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "../../src/http/endpoint-server.js";
import { ask, rawConnection } from "./clients.js";
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
