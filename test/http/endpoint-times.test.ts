import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { readCertificate } from "../../src/config/certificate.js";
import { textAnswer } from "../../src/http/answer.js";
import type { EndpointContent, EndpointOptions } from "../../src/http/endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "../../src/http/endpoint-server.js";
import { loopSlices } from "../../src/http/loop-slices.js";
import { UnreadAnswers } from "../../src/http/unread-answers.js";
import { openHttpDoor } from "../../src/otlp-in/http-door.js";
import { ask, rawConnection } from "./clients.js";
import { anyPort } from "./nodes.js";

// Each limit has a test that fails if it is ten times smaller or larger.

const mostAhead = vi.hoisted(() => [] as number[]);
vi.mock("../../src/http/gated-connection.js", async (original) => {
  const module = await original<typeof import("../../src/http/gated-connection.js")>();
  class BytesAhead extends module.BytesAhead {
    constructor(options: { maxBytes: number }) {
      super(options);
      mostAhead.push(options.maxBytes);
    }
  }
  return { ...module, BytesAhead };
});

let server: EndpointServer | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await server?.stop();
  server = undefined;
});

async function open(options: Partial<EndpointOptions & EndpointContent> = {}): Promise<EndpointServer> {
  server = await openEndpointServer({
    endpoint: anyPort,
    field: "hasPrometheus",
    route: ({ path }) => (path === "/absent" ? undefined : textAnswer(200, "hello")),
    isUrgent: (path) => path === "/urgent",
    ...options,
  });
  return server;
}

const turns = async () => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test("a client has half a minute to read an answer, less for a refusal, and least for what is always answered", async () => {
  const track = vi.spyOn(UnreadAnswers.prototype, "track");
  const endpoint = await open();
  for (const path of ["/page", "/absent", "/urgent"]) await ask(endpoint, path);
  expect(track.mock.calls.map(([, , deadlineMs]) => deadlineMs)).toEqual([30_000, 900, 200]);
});

test("a reader is not cut off while the rest of its answer waits for us", async () => {
  const chunks = ["first", "last"].map((piece) => Buffer.from(piece));
  const body = { chunks, bytes: 9, encoding: "identity" as const };
  const endpoint = await open({ route: () => ({ status: 200, contentType: "text/plain", body }) });
  const later: (() => void)[] = [];
  vi.spyOn(loopSlices, "run").mockImplementation((work) => void later.push(work));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const answered = ask(endpoint, "/urgent");
  while (later.length === 0) await turns();
  for (let times = 0; times < 3; times += 1) {
    vi.advanceTimersByTime(200);
    await turns();
  }
  for (const work of later) work();
  expect((await answered).text).toBe("firstlast");
  expect(endpoint.stats().slowReadersCut).toBe(0);
});

test("of an answer that has been read nothing is left when its connection has been closed for 900 ms", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await ask(await open(), "/page");
  await turns();
  vi.advanceTimersByTime(899);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("a stop waits half a second for an answer that is not read", async () => {
  const endpoint = await open({ route: () => textAnswer(200, "x".repeat(20_000_000)) });
  const socket = await rawConnection(endpoint, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
  while (endpoint.stats().answers.get(200) === undefined) await turns();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let isStopped = false;
  const stopped = endpoint.stop().then(() => {
    isStopped = true;
  });
  await vi.advanceTimersByTimeAsync(499);
  await turns();
  expect(isStopped).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await stopped;
  socket.destroy();
});

test("clients together may be 8 MiB ahead, at an endpoint and for OTLP", async () => {
  mostAhead.length = 0;
  await open();
  openHttpDoor({ isStopping: false } as never, undefined, 10);
  expect(mostAhead).toEqual([8 * 2 ** 20, 8 * 2 ** 20]);
});

test("a client has ten seconds to begin with TLS", async () => {
  const certificates = fileURLToPath(new URL("certificates/", import.meta.url));
  const tls = await readCertificate({
    certificateFile: join(certificates, "server.pem"),
    certificateKeyFile: join(certificates, "server-key.pem"),
    certificateChain: [],
  });
  const endpoint = await open({ endpoint: { ...anyPort, forceSsl: true }, tls });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const socket = await rawConnection(endpoint, "");
  while (vi.getTimerCount() === 0) await turns();
  const closed = once(socket.resume(), "close");
  await vi.advanceTimersByTimeAsync(9_999);
  await turns();
  expect([socket.destroyed, endpoint.stats().connections]).toEqual([false, 1]);
  await vi.advanceTimersByTimeAsync(1);
  await closed;
});
