import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { BodyBudget } from "../../src/http/body-budget.js";
import { type EndpointSources, Endpoints } from "../../src/tracer-endpoints.js";

// A process that may have 256 files open: that makes eight connections at each endpoint.
vi.mock("../../src/registry/process-limit.js", async (original) => ({
  ...(await original<object>()),
  readOpenFilesLimit: () => 256,
}));

const certificates = fileURLToPath(new URL("../http/certificates/", import.meta.url));
const anyPort = { epHost: "127.0.0.1", epPort: 0 };
const health = { host: "127.0.0.1", port: 0 };

let log: { readonly error: ReturnType<typeof vi.fn>; readonly info: ReturnType<typeof vi.fn> };
let endpoints: Endpoints;
beforeEach(() => {
  log = { error: vi.fn(), info: vi.fn() };
  endpoints = new Endpoints(log as never);
});
afterEach(async () => {
  await endpoints.stop();
});

async function open(fields: object, sources: { readonly [Name in keyof EndpointSources]?: unknown }) {
  const text = JSON.stringify({
    networkMagic: 42,
    network: { tag: "AcceptAt", contents: "/run/tracer.sock" },
    logging: [{ logRoot: "/logs", logMode: "FileMode", logFormat: "ForMachine" }],
    ...fields,
  });
  const { config } = await parseConfig(text, "config.json");
  await endpoints.open(config, sources as never);
}

const urlOf = (name: string) => `http://${endpoints.served.get(name)}`;
const ok = () => ({ status: "ok", checks: [] });
const quiet = { live: ok, ready: ok, report: ok };
const nodes = {
  nodes: () => [{ node: { name: "Relay", slug: "relay" } }],
  bySlug: () => undefined,
};

test("an answer that fails is logged with its field and path, once a minute", async () => {
  const broken = new TypeError("no such thing");
  const fail = () => {
    throw broken;
  };
  await open({ muninn: { health } }, { health: { live: fail, ready: fail, report: fail } });
  for (let times = 0; times < 3; times += 1) {
    const { status } = await fetch(`${urlOf("health")}/healthz`);
    expect(status).toBe(500);
  }
  expect(log.error.mock.calls).toEqual([
    ["http_failed", "answering /healthz at muninn.health failed", { err: broken, path: "/healthz" }],
  ]);
});

test("all pages share 64 MiB for answers that are not read yet, and health has its own", async () => {
  await open({ hasPrometheus: anyPort, hasEKG: anyPort, muninn: { health } }, { nodes, health: quiet });
  const hold = vi.spyOn(BodyBudget.prototype, "hold");
  const budgetOf = async (url: string) => {
    hold.mockClear();
    expect((await fetch(url)).status).toBe(200);
    return hold.mock.contexts[0] as BodyBudget;
  };
  const shared = await budgetOf(`${urlOf("prometheus")}/`);
  expect(await budgetOf(`${urlOf("ekg")}/`)).toBe(shared);
  expect(await budgetOf(`${urlOf("health")}/healthz`)).not.toBe(shared);
  hold.mockRestore();
  const body = (bytes: number) => ({ chunks: [], bytes, encoding: "identity" }) as const;
  shared.hold(body(64 * 2 ** 20 - 100_000));
  expect(shared.isExceeded).toBe(false);
  shared.hold(body(200_000));
  expect(shared.isExceeded).toBe(true);
});

test("an endpoint has as many connections as the files of the process allow", async () => {
  await open({ muninn: { health } }, { health: quiet });
  const [host, port] = endpoints.served.get("health")!.split(":");
  const sockets: Socket[] = [];
  for (let count = 0; count < 9; count += 1) {
    const socket = connect(Number(port), host);
    await once(socket, "connect");
    sockets.push(socket);
  }
  sockets.at(-1)!.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(sockets.at(-1)!, "data");
  // The ninth has taken the place of the one that had waited longest.
  expect(endpoints.readings()[0]?.connections).toBe(8);
  expect(log.info).toHaveBeenCalledExactlyOnceWith(
    "http_connection_closed",
    expect.stringContaining("it had been idle for longest"),
    { endpoint: "health", reason: "gave-way", host, count: 1 },
  );
  for (const socket of sockets) socket.destroy();
});

test("targets are asked over TLS if the Prometheus port is, whether other ports are or not", async () => {
  const tlsCertificate = {
    certificateFile: `${certificates}server.pem`,
    certificateKeyFile: `${certificates}server-key.pem`,
    certificateChain: [`${certificates}intermediate.pem`],
  };
  await open(
    { hasPrometheus: { ...anyPort, epForceSSL: true }, hasEKG: anyPort, tlsCertificate },
    { nodes, health: quiet },
  );
  const ca = await readFile(`${certificates}root.pem`);
  const url = `https://${endpoints.served.get("prometheus")}/targets`;
  const asking = request(url, { ca, servername: "localhost", agent: false }).end();
  const [answer] = await once(asking, "response");
  expect(JSON.parse(await text(answer))).toMatchObject([
    { labels: { __scheme__: "https", node_name: "Relay" } },
  ]);
});
