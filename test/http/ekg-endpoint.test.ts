import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openEkgEndpoint } from "../../src/http/ekg-endpoint.js";
import type { EndpointServer } from "../../src/http/endpoint-server.js";
import type { ViewedNode } from "../../src/http/nodes-view.js";
import { give } from "../metrics/node/metric-sets.js";
import { ask, rawConnection, received } from "./clients.js";
import { anyPort, viewedNode, viewOf } from "./nodes.js";

let nodes: ViewedNode[];
let server: EndpointServer;

beforeEach(async () => {
  nodes = [
    viewedNode("<Node> 1", "node-1", [
      ["a.b", "g", 1n],
      ["note", "l", "x"],
    ]),
  ];
  server = await openEkgEndpoint({ endpoint: anyPort, field: "hasEKG", nodes: viewOf(nodes) });
});
afterEach(() => server.stop());

test("the list is the same as on the Prometheus port", async () => {
  expect(JSON.parse((await ask(server, "/")).text)).toEqual({ "<Node> 1": "/node-1" });
});

test.each([undefined, "application/json", "text/html;q=0.1,application/json"])(
  "a node is shown as nested JSON for Accept %j",
  async (accept) => {
    const reply = await ask(server, "/node-1", accept === undefined ? {} : { headers: { accept } });
    expect(reply.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(reply.text)).toMatchObject({
      a: { b: { type: "g", val: 1 } },
      note: { type: "l", val: "x" },
    });
  },
);

test.each(["text/html", "*/*"])(
  "a node is shown as a page for Accept %j, its name escaped",
  async (accept) => {
    const reply = await ask(server, "/node-1", { headers: { accept, "accept-encoding": "gzip" } });
    expect(reply.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(reply.headers["content-encoding"]).toBe("gzip");
    expect(reply.text).toContain("&lt;Node&gt; 1");
    expect(reply.text).not.toContain("<Node>");
    expect(reply.headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'; /,
    );
  },
);

test("a node that is not connected is not found", async () => {
  expect((await ask(server, "/node-2")).status).toBe(404);
});

/** 20 million characters, in as few texts as a store takes. */
const large = (fill: string) =>
  Array.from(
    { length: 1_250 },
    (_, i) => [`large${i}`, { kind: "label", value: fill.repeat(16_000) }] as const,
  );

describe("live updates", () => {
  /** Collects what a viewer receives. */
  function view(path: string, headers: Record<string, string> = {}) {
    const socket = new WebSocket(`ws://127.0.0.1:${server.address.port}${path}`, { headers });
    const updates: { absent?: boolean; whole?: boolean; metrics?: [string, string, string][] }[] = [];
    socket.on("message", (data) => updates.push(JSON.parse(data.toString())));
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    const refused = new Promise<number>((resolve) => {
      socket.once("unexpected-response", (_, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
    });
    socket.on("error", () => undefined);
    return { socket, updates, closed, refused };
  }

  test("begin with all metrics, numbers as texts, and continue with changes", async () => {
    give(nodes[0]!.metrics, [["big", { kind: "counter", value: 2n ** 63n - 1n }]], {
      whole: false,
      nowMs: 1,
    });
    const { updates, socket } = view("/node-1");
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    expect(updates[0]).toEqual({
      whole: true,
      metrics: expect.arrayContaining([
        ["a.b", "g", "1"],
        ["note", "l", "x"],
        ["big", "c", "9223372036854775807"],
      ]),
    });
    give(nodes[0]!.metrics, [["a.b", { kind: "gauge", value: 5n }]], { whole: false, nowMs: 2 });
    const changes = () => updates.slice(1).flatMap(({ metrics = [] }) => metrics);
    const expected = [
      ["ekg.server_timestamp_ms", "c", "2"],
      ["a.b", "g", "5"],
    ];
    await expect.poll(changes, { timeout: 10_000 }).toEqual(expected);
    const told = updates.length;
    await expect.poll(() => updates.length, { timeout: 10_000 }).toBeGreaterThan(told);
    expect(changes()).toEqual(expected);
    socket.close();
  });

  test("report removed names by sending everything again", async () => {
    const { updates, socket } = view("/node-1");
    await expect.poll(() => updates.at(-1)?.whole, { timeout: 10_000 }).toBe(false);
    give(nodes[0]!.metrics, [["new", { kind: "gauge", value: 1n }]], { whole: true, nowMs: 3 });
    await expect
      .poll(() => updates, { timeout: 10_000 })
      .toContainEqual({
        whole: true,
        metrics: [
          ["ekg.server_timestamp_ms", "c", "3"],
          ["new", "g", "1"],
        ],
      });
    socket.close();
  });

  test("report that a node left, and continue when it is back", async () => {
    const { updates, socket } = view("/node-1");
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    const [node] = nodes.splice(0);
    await expect.poll(() => updates.at(-1), { timeout: 10_000 }).toEqual({ absent: true });
    nodes.push(node!);
    await expect.poll(() => updates.at(-1)?.absent, { timeout: 10_000 }).toBeUndefined();
    expect(updates.findLast(({ whole }) => whole)?.metrics).toContainEqual(["a.b", "g", "1"]);
    socket.close();
  });

  test("are missed by a viewer that does not read, which then receives everything again", async () => {
    const fill = (text: string) => give(nodes[0]!.metrics, large(text), { whole: false, nowMs: 1 });
    const slow = view("/node-1");
    const quick = view("/node-1");
    await expect.poll(() => slow.updates.length).toBeGreaterThan(0);
    slow.socket.pause();
    for (const text of ["a", "b", "c", "d"]) {
      const told = quick.updates.length;
      fill(text);
      await expect.poll(() => quick.updates.length, { timeout: 30_000 }).toBeGreaterThan(told + 1);
    }
    const missed = quick.updates.length;
    slow.socket.resume();
    await expect
      .poll(
        () =>
          slow.updates.findLast(({ whole }) => whole)?.metrics?.find(([name]) => name === "large0")?.[2][0],
        {
          timeout: 30_000,
        },
      )
      .toBe("d");
    expect(slow.updates.length).toBeLessThan(missed);
    slow.socket.close();
    quick.socket.close();
  });

  test.each([
    ["/node-2", {}, 404],
    ["/", {}, 404],
    ["/node-1", { origin: "http://evil.example" }, 403],
    ["/node-1", { origin: "null" }, 403],
  ])("are refused at %s with %j and status %i", async (path, headers, status) => {
    expect(await view(path, headers).refused).toBe(status);
  });

  test("beyond 256 viewers are refused with status 503", async () => {
    const viewers = Array.from({ length: 256 }, () => view("/node-1"));
    await Promise.all(
      viewers.map(({ updates }) => expect.poll(() => updates.length, { timeout: 30_000 }).toBeGreaterThan(0)),
    );
    expect(await view("/node-1").refused).toBe(503);
    for (const { socket } of viewers) socket.terminate();
  });

  test("make room for waiting requests if a viewer does not read", async () => {
    await server.stop();
    nodes = [
      viewedNode(
        "Node 1",
        "node-1",
        large("x").map(([name, { value }]) => [name, "l", value as string]),
      ),
      viewedNode("Node 2", "node-2"),
    ];
    server = await openEkgEndpoint({
      endpoint: anyPort,
      field: "hasEKG",
      nodes: viewOf(nodes),
      limits: { maxBodyBytes: 30_000_000 },
    });
    const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    const slow = await rawConnection(
      server,
      `GET /node-1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`,
    );
    let received = 0;
    slow.on("data", (bytes: Buffer) => {
      received += bytes.length;
      if (received > 1_000) slow.pause();
    });
    await expect.poll(() => received).toBeGreaterThan(1_000);
    // A page that does not answer pings is also disconnected after half a minute at most.
    const late = new Promise((resolve) => setTimeout(resolve, 14_000, "late").unref());
    const reply = ask(server, "/node-1", { headers: { accept: "application/json" } });
    expect(await Promise.race([late, reply.then(({ status }) => status)])).toBe(200);
    slow.destroy();
  });

  test("are sent whole each time if there are too many metrics to remember", async () => {
    const many = (first: string) =>
      Array.from({ length: 60_000 }, (_, i) => [`${first}${i}`, "g", 1n] as const);
    nodes.push(viewedNode("b", "b", many("b")), viewedNode("c", "c", many("c")));
    const [b, c] = [view("/b"), view("/c")];
    const patience = { timeout: 30_000 };
    await expect.poll(() => Math.min(b.updates.length, c.updates.length), patience).toBeGreaterThan(2);
    const later = [b, c].map(({ updates }) => updates.slice(1).map(({ whole }) => whole));
    expect(later.map((updates) => new Set(updates).size)).toEqual([1, 1]);
    expect(later.map(([whole]) => whole).sort()).toEqual([false, true]);
    b.socket.terminate();
    c.socket.terminate();
  });

  test("are sent to pages of this address", async () => {
    const { updates, socket } = view("/node-1", { origin: `http://127.0.0.1:${server.address.port}` });
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    socket.close();
  });

  test("stop when the endpoint stops", async () => {
    const { updates, closed } = view("/node-1");
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    await server.stop();
    expect(await closed).toBe(1001);
  });

  test("do not end the process if a viewer sends invalid frames or too much", async () => {
    const { socket, closed, updates } = view("/node-1");
    await expect.poll(() => updates.length).toBeGreaterThan(0);
    socket.send("x".repeat(100_000));
    expect(await closed).toBe(1009);
    expect((await ask(server, "/node-1")).status).toBe(200);
  });

  test("are refused to a request that is not for a WebSocket", async () => {
    const raw = await rawConnection(
      server,
      "GET /node-1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    expect(await received(raw)).toMatch(/^HTTP\/1.1 400 /);
  });
});
