import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCertificate } from "../../src/config/certificate.js";
import { textAnswer } from "../../src/http/answer.js";
import { BodyBudget } from "../../src/http/body-budget.js";
import type { EndpointContent, EndpointOptions, Route } from "../../src/http/endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "../../src/http/endpoint-server.js";
import { HttpError, type HttpFault } from "../../src/http/http-faults.js";
import { ask, rawConnection, received } from "./clients.js";
import { anyPort } from "./nodes.js";

const servers: EndpointServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function open(options: Partial<EndpointOptions & EndpointContent> = {}): Promise<EndpointServer> {
  const server = await openEndpointServer({
    endpoint: anyPort,
    field: "hasPrometheus",
    route: ({ path }) => (path === "/hello" ? textAnswer(200, "hello") : undefined),
    ...options,
  });
  servers.push(server);
  return server;
}

async function faultOf(attempt: Promise<unknown>): Promise<HttpFault> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HttpError);
  return (error as HttpError).fault;
}

test("a reload applies another route and other secrets to clients that are already connected", async () => {
  const server = await open();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect((await ask(server, "/hello", { agent })).text).toBe("hello\n");
  server.reload({ auth: { bearerToken: "t" }, route: () => textAnswer(200, "other") });
  expect((await ask(server, "/hello", { agent })).status).toBe(401);
  expect((await ask(server, "/hello", { agent, headers: { authorization: "Bearer t" } })).text).toBe(
    "other\n",
  );
  agent.destroy();
});

test("a client that scrapes once a minute finds its connection open", async () => {
  const server = await open();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const first = await ask(server, "/hello", { agent });
  expect(first.headers).toMatchObject({ connection: "keep-alive", "keep-alive": "timeout=75" });
  const [socket] = Object.values(agent.freeSockets).flat();
  for (let i = 0; i < 3; i += 1) await ask(server, "/hello", { agent });
  expect(Object.values(agent.freeSockets).flat()).toEqual([socket]);
  expect(server.stats().connections).toBe(1);
  agent.destroy();
});

describe("requests", () => {
  test("HEAD returns the headers of GET and no body", async () => {
    const server = await open();
    const get = await ask(server, "/hello");
    const head = await ask(server, "/hello", { method: "HEAD" });
    expect(get.text).toBe("hello\n");
    expect(head.text).toBe("");
    const { date: _, ...headers } = get.headers;
    expect(head.headers).toMatchObject(headers);
    expect(head.headers["content-length"]).toBe("6");
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])(
    "%s is refused with 405",
    async (method) => {
      const server = await open();
      const reply = await ask(server, "/hello", { method });
      expect(reply.status).toBe(405);
      expect(reply.headers.allow).toBe("GET, HEAD");
    },
  );

  test.each(["/hello/", "/hello?x=1", "/hello/?x=/", "http://elsewhere.example/hello"])(
    "%s returns the page /hello",
    async (target) => {
      expect((await ask(await open(), target)).status).toBe(200);
    },
  );

  test.each(["nonsense", "*"])("the target %s is refused with 400", async (target) => {
    const socket = await rawConnection(
      await open(),
      `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(await received(socket)).toMatch(/^HTTP\/1.1 400 /);
  });

  test("only routes that ask whether the client is still there keep one that has closed its side informed", async () => {
    const server = await open({
      route: async (request) => {
        if (request.path === "/asks") void request.gone;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return textAnswer(200, "done");
      },
    });
    const first = async (path: string) => {
      const socket = await rawConnection(server, "");
      socket.end(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      return (await received(socket)).slice(0, "HTTP/1.1 200".length);
    };
    expect([await first("/asks"), await first("/other")]).toEqual(["HTTP/1.1 102", "HTTP/1.1 200"]);
  });

  test("all answers have the security headers", async () => {
    const server = await open();
    for (const path of ["/hello", "/none"]) {
      expect((await ask(server, path)).headers).toMatchObject({
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
      });
    }
  });

  test("a fault in a route is answered with 500, reported, and harms no other request", async () => {
    const errors: unknown[] = [];
    const fault = new Error("broken");
    const server = await open({
      route: ({ path }) => {
        if (path === "/broken") throw fault;
        return textAnswer(200, "fine");
      },
      onError: (error, path) => errors.push([error, path]),
    });
    expect((await ask(server, "/broken")).text).toBe("Internal error\n");
    expect((await ask(server, "/other")).status).toBe(200);
    expect(errors).toEqual([[fault, "/broken"]]);
    expect(server.stats().answers).toEqual(
      new Map([
        [500, 1],
        [200, 1],
      ]),
    );
  });
});

describe("limits", () => {
  test("a request head beyond the limit is refused with 431", async () => {
    const server = await open({ limits: { maxHeaderBytes: 2_000 } });
    expect((await ask(server, "/hello", { headers: { "x-long": "x".repeat(3_000) } })).status).toBe(431);
  });

  test.each(["", "GET /hello HTTP/1.1\r\nHost: a\r\n"])(
    "a connection that sends only %j is closed after the request timeout",
    async (begun) => {
      const server = await open({ limits: { requestTimeoutMs: 100 } });
      const socket = await rawConnection(server, begun);
      expect(await received(socket)).not.toContain("200 OK");
    },
  );

  test("a connection beyond the limit replaces the one that has been idle for longest", async () => {
    const server = await open({ limits: { maxConnections: 2 } });
    const first = await rawConnection(server, "");
    await expect.poll(() => server.stats().connections).toBe(1);
    const secondGone = received(await rawConnection(server, ""));
    await expect.poll(() => server.stats().connections).toBe(2);
    first.write("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(first, "data");
    expect((await ask(server, "/hello")).status).toBe(200);
    expect(await secondGone).toBe("");
    // The first one, used since then, is still open.
    first.write("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(first, "data");
    expect(server.stats().connectionsRefused).toBe(0);
    first.destroy();
    await expect.poll(() => server.stats().connections).toBe(0);
  });

  describe("while every connection is busy", () => {
    let release: () => void;
    let asked: number;
    let server: EndpointServer;
    let held: Socket[];

    beforeEach(async () => {
      asked = 0;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      server = await open({
        limits: { maxConnections: 2, reservedConnections: 1 },
        isUrgent: (path) => path === "/healthz",
        route: async ({ path }) => {
          if (path === "/healthz") return textAnswer(200, "healthy");
          asked += 1;
          await released;
          return textAnswer(200, "late");
        },
      });
      const request = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
      held = await Promise.all([rawConnection(server, request), rawConnection(server, request)]);
      await expect.poll(() => asked).toBe(2);
    });
    afterEach(() => {
      release();
      for (const socket of held) socket.destroy();
    });

    test("only health is answered", async () => {
      expect((await ask(server, "/healthz")).text).toBe("healthy\n");
      const refused = await ask(server, "/slow");
      expect(refused.status).toBe(503);
      expect(refused.headers["retry-after"]).toBe("1");
      expect(asked).toBe(2);
      release();
      await expect.poll(() => server.stats().answers.get(200)).toBe(3);
      for (const socket of held) socket.destroy();
      await expect.poll(() => server.stats().connections).toBe(0);
      expect((await ask(server, "/slow")).text).toBe("late\n");
    });

    test("an idle reserved place gives way as well", async () => {
      const thirdGone = received(await rawConnection(server, ""));
      await expect.poll(() => server.stats().connections).toBe(3);
      expect((await ask(server, "/healthz")).status).toBe(200);
      expect(await thirdGone).toBe("");
    });
  });

  test.each([
    [10, "200 OK"],
    [11, "413 Payload Too Large"],
  ])("of bodies of ten bytes at most, one of %i is answered with %s", async (bytes, status) => {
    const server = await open({ maxRequestBytes: 10, route: ({ body }) => textAnswer(200, body) });
    const request = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`;
    const answer = await received(await rawConnection(server, `${request}${"x".repeat(bytes)}`));
    expect(answer).toContain(`HTTP/1.1 ${status}`);
  });

  test("bytes that are not HTTP are answered with 400 and the connection is closed", async () => {
    const socket = await rawConnection(await open(), "\x16\x03\x01\x02\x00garbage\r\n\r\n");
    expect(await received(socket)).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe("readers that do not read", () => {
  const large = () => textAnswer(200, "x".repeat(20_000_000));

  test("are disconnected after the deadline, while others are served", async () => {
    const server = await open({
      route: ({ path }) => (path === "/large" ? large() : textAnswer(200, "small")),
      limits: { answerTimeoutMs: 300 },
    });
    const slow = await rawConnection(server, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => server.stats().answers.get(200)).toBe(1);
    expect((await ask(server, "/other")).text).toBe("small\n");
    await expect.poll(() => server.stats().slowReadersCut).toBe(1);
    // Only now does it read, and finds the answer cut off.
    expect((await received(slow)).length).toBeLessThan(20_000_000);
    await expect.poll(() => server.stats().connections).toBe(0);
  });

  test("lose the oldest answers if too much waits for all of them together", async () => {
    const server = await open({ route: large, limits: { maxBodyBytes: 50_000_000 } });
    const slow = [];
    for (let readers = 1; readers <= 4; readers += 1) {
      slow.push(await rawConnection(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
      await expect.poll(() => server.stats().answers.get(200)).toBe(readers);
    }
    expect(server.stats().slowReadersCut).toBe(2);
    for (const socket of slow) socket.destroy();
  });

  test("make room for waiting requests long before the deadline", async () => {
    const server = await open({
      limits: { maxBodyBytes: 30_000_000, answerTimeoutMs: 600_000 },
      route: async ({ path, bodies, gzip }) => {
        const make = () => ({ bytes: 20_000_000, pieces: () => ["x".repeat(20_000_000)].values() });
        const body = await bodies.get({ key: path, version: undefined, gzip, make });
        return { status: 200, contentType: "text/plain", body: body! };
      },
    });
    const slow = await rawConnection(server, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => server.stats().answers.get(200)).toBe(1);
    expect((await ask(server, "/quick")).bytes.length).toBe(20_000_000);
    expect(server.stats().slowReadersCut).toBe(1);
    slow.destroy();
  });

  test("make room for requests at another endpoint that shares their budget", async () => {
    const budget = new BodyBudget({ maxBytes: 30_000_000 });
    const route: Route = async ({ path, bodies, gzip }) => {
      const make = () => ({ bytes: 20_000_000, pieces: () => ["x".repeat(20_000_000)].values() });
      const body = await bodies.get({ key: path, version: undefined, gzip, make });
      return { status: 200, contentType: "text/plain", body: body! };
    };
    const [server, other] = [await open({ budget, route }), await open({ budget, route })];
    const slow = await rawConnection(server, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => server.stats().answers.get(200)).toBe(1);
    expect((await ask(other, "/quick")).bytes.length).toBe(20_000_000);
    expect(server.stats().slowReadersCut).toBe(1);
    slow.destroy();
  });

  test("add no cost for the same body, so many may read it", async () => {
    const body = {
      chunks: [Buffer.alloc(20_000_000, "x")],
      bytes: 20_000_000,
      encoding: "identity",
    } as const;
    const server = await open({
      route: () => ({ status: 200, contentType: "text/plain", body }),
      limits: { maxBodyBytes: 30_000_000 },
    });
    const replies = await Promise.all(Array.from({ length: 5 }, () => ask(server, "/")));
    expect(replies.map(({ bytes }) => bytes.length)).toEqual(Array(5).fill(20_000_000));
    expect(server.stats().slowReadersCut).toBe(0);
  });
});

test("a thousand simultaneous scrapes are all answered", async () => {
  const server = await open();
  const replies = await Promise.all(Array.from({ length: 1_000 }, () => ask(server, "/hello")));
  expect(replies.filter(({ text }) => text === "hello\n")).toHaveLength(1_000);
});

describe("authorization", () => {
  test("refuses every path with 401 without the right token", async () => {
    const server = await open({ auth: { bearerToken: "secret" } });
    for (const path of ["/hello", "/none", "/livez"]) {
      const reply = await ask(server, path);
      expect(reply.status).toBe(401);
      expect(reply.headers["www-authenticate"]).toBe('Bearer realm="muninn"');
    }
    expect((await ask(server, "/hello", { headers: { authorization: "Bearer secret" } })).status).toBe(200);
  });

  test("accepts a user and password, and asks for them", async () => {
    const server = await open({ auth: { user: "odin", password: "eye" } });
    const authorization = `Basic ${Buffer.from("odin:eye").toString("base64")}`;
    expect((await ask(server, "/hello", { headers: { authorization } })).status).toBe(200);
    expect((await ask(server, "/hello")).headers["www-authenticate"]).toMatch(/^Basic /);
  });

  test("applies to connections that ask for another protocol", async () => {
    const server = await open({ auth: { bearerToken: "secret" }, upgrade: () => expect.unreachable() });
    const socket = await rawConnection(
      server,
      "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    expect(await received(socket)).toMatch(/^HTTP\/1.1 401 .*WWW-Authenticate: Bearer/s);
  });
});

describe("opening", () => {
  test("fails with the field of the port if the port is in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const endpoint = { host: "127.0.0.1", port, forceSsl: false };
    expect(await faultOf(open({ endpoint }))).toEqual({
      code: "port-in-use",
      field: "hasPrometheus.epPort",
      host: "127.0.0.1",
      port,
    });
    expect(await faultOf(open({ endpoint, field: "muninn.health" }))).toMatchObject({
      field: "muninn.health.port",
    });
    taken.close();
  });

  test("fails with the field of the host if the host is not this machine's", async () => {
    const endpoint = { host: "192.0.2.1", port: 0, forceSsl: false };
    expect(await faultOf(open({ endpoint }))).toEqual({
      code: "host-unusable",
      field: "hasPrometheus.epHost",
      host: "192.0.2.1",
    });
  });

  test("fails with the field of the host if the host does not exist", async () => {
    const endpoint = { host: "does-not-exist.invalid", port: 0, forceSsl: false };
    expect(await faultOf(open({ endpoint, field: "hasEKG" }))).toEqual({
      code: "host-unusable",
      field: "hasEKG.epHost",
      host: "does-not-exist.invalid",
    });
  });
});

describe("stopping", () => {
  test("closes the port and idle connections", async () => {
    const server = await open();
    const { host, port } = server.address;
    const idle = await rawConnection(server, "");
    const closed = received(idle);
    await server.stop();
    expect(await closed).toBe("");
    await expect(open({ endpoint: { host, port, forceSsl: false } })).resolves.toBeDefined();
  });

  test("lets an answer in progress finish", async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = () => {};
    const begun = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = await open({
      route: async () => {
        asked();
        await released;
        return textAnswer(200, "late");
      },
    });
    const reply = ask(server, "/");
    await begun;
    const stopped = server.stop();
    release();
    expect((await reply).text).toBe("late\n");
    await stopped;
  });

  test("lets a large answer in progress be read", async () => {
    const server = await open({ route: () => textAnswer(200, "x".repeat(20_000_000)) });
    const reply = ask(server, "/");
    await expect.poll(() => server.stats().answers.get(200)).toBe(1);
    await server.stop();
    expect((await reply).bytes.length).toBe(20_000_001);
  });

  test("does not wait for a reader that does not read", async () => {
    const server = await open({ route: () => textAnswer(200, "x".repeat(20_000_000)) });
    const slow = await rawConnection(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => server.stats().answers.get(200)).toBe(1);
    await server.stop();
    await expect.poll(() => server.stats().connections).toBe(0);
    slow.destroy();
  });

  test("ends the same way for a second or simultaneous call", async () => {
    const server = await open();
    const first = server.stop();
    expect(server.stop()).toBe(first);
    await first;
    await server.stop();
  });
});

describe("TLS", () => {
  const files = join(import.meta.dirname, "certificates");
  const tls = { ...anyPort, forceSsl: true };
  const certificate = (name = "server") => ({
    certificateFile: join(files, `${name}.pem`),
    certificateKeyFile: join(files, `${name}-key.pem`),
    certificateChain: [join(files, "intermediate.pem")],
  });
  const root = () => readFile(join(files, "root.pem"), "utf8");

  /** The name of the certificate shown to a new connection. */
  async function shown(server: EndpointServer): Promise<string> {
    const socket: TLSSocket = connectTls({ ...server.address, servername: "localhost", ca: await root() });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  }

  test("shows the chain, so that clients that know only the root trust it", async () => {
    const server = await open({ endpoint: tls, tls: await readCertificate(certificate()) });
    const reply = await ask(server, "/hello", { ca: await root() });
    expect(reply.text).toBe("hello\n");
  });

  test("is not trusted without its chain", async () => {
    const server = await open({
      endpoint: tls,
      tls: await readCertificate({ ...certificate(), certificateChain: [] }),
    });
    await expect(ask(server, "/hello", { ca: await root() })).rejects.toThrow(/certificate/);
  });

  test("does not answer plain HTTP", async () => {
    const server = await open({ endpoint: tls, tls: await readCertificate(certificate()) });
    const socket = await rawConnection(server, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(await received(socket)).not.toContain("hello");
  });

  test("closes the connection of a client that never completes its handshake", async () => {
    const server = await open({
      endpoint: tls,
      tls: await readCertificate(certificate()),
      limits: { requestTimeoutMs: 100 },
    });
    expect(await received(await rawConnection(server, ""))).toBe("");
  });

  test("shows the renewed certificate to new connections after a reload", async () => {
    const server = await open({ endpoint: tls, tls: await readCertificate(certificate()) });
    expect(await shown(server)).toBe("server");
    server.reload({ tls: await readCertificate(certificate("renewed")) });
    expect(await shown(server)).toBe("renewed");
    server.reload({});
    expect(await shown(server)).toBe("renewed");
  });

  test("stays off for a plain endpoint after a reload", async () => {
    const server = await open();
    server.reload({ tls: await readCertificate(certificate()) });
    expect((await ask(server, "/hello")).status).toBe(200);
  });

  test("fails to open without any certificate", async () => {
    expect(await faultOf(open({ endpoint: tls }))).toEqual({
      code: "certificate-missing",
      field: "hasPrometheus",
    });
  });
});
