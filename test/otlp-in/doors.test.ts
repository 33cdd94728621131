import { once } from "node:events";
import type { Server } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, connect, type Server as TcpServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { Admission } from "../../src/http/admission.js";
import { Door, maxBodyBytes } from "../../src/otlp-in/door.js";
import { openGrpcDoor } from "../../src/otlp-in/grpc-door.js";
import { openHttpDoor } from "../../src/otlp-in/http-door.js";

// The limits and times of both servers, and what they leave behind.

const open: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const end of open.splice(0).reverse()) await end();
});

function doorOf(receiver: object = {}) {
  const admission = new Admission({ maxBytes: 2 ** 30, requestBytes: 1 });
  const observer = { refused: () => {}, rejected: () => {}, closed: () => {} };
  return { admission, door: new Door({ receiver: receiver as never, admission, auth: undefined, observer }) };
}

async function portOf(server: TcpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function clientOf(port: number): Promise<ClientHttp2Session> {
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  open.push(() => client.destroy());
  await once(client, "remoteSettings");
  return client;
}

test("over HTTP a request has half a minute to arrive, its head ten seconds, and a connection 75 seconds for the next", () => {
  const { server } = openHttpDoor(doorOf().door, undefined, 10);
  const { requestTimeout, headersTimeout, keepAliveTimeout } = server as Server;
  expect([requestTimeout, headersTimeout, keepAliveTimeout]).toEqual([30_000, 10_000, 75_000]);
});

test("over gRPC a connection has a hundred calls at a time, each a mebibyte ahead, and ends after ten idle minutes", async () => {
  const { server } = openGrpcDoor(doorOf().door, undefined, 10);
  const timeouts: number[] = [];
  server.on("session", (session: ServerHttp2Session) => {
    session.setTimeout = (milliseconds: number) => void timeouts.push(milliseconds);
  });
  const client = await clientOf(await portOf(server));
  const { maxConcurrentStreams, initialWindowSize } = client.remoteSettings;
  expect([maxConcurrentStreams, initialWindowSize]).toEqual([100, 2 ** 20]);
  expect(timeouts).toEqual([600_000]);
});

test("a client that does not begin with gRPC is disconnected after ten seconds", async () => {
  const { server } = openGrpcDoor(doorOf().door, undefined, 10);
  const port = await portOf(server);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  open.push(() => socket.destroy());
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(9_999);
  expect(vi.getTimerCount()).toBe(1);
  const closed = once(socket.resume(), "close");
  vi.advanceTimersByTime(1);
  await closed;
});

test("a connection over gRPC that has ended is not kept", async () => {
  const grpc = openGrpcDoor(doorOf().door, undefined, 10);
  const destroys: (() => void)[] = [];
  const closed: Promise<unknown>[] = [];
  grpc.server.on("session", (session: ServerHttp2Session) => {
    destroys.push(vi.spyOn(session, "destroy"));
    closed.push(once(session, "close"));
  });
  const port = await portOf(grpc.server);
  const [leaving] = [await clientOf(port), await clientOf(port)];
  leaving!.close();
  await once(leaving!, "close");
  await closed[0];
  for (const destroy of destroys) vi.mocked(destroy).mockClear();
  grpc.destroy();
  expect(destroys.map((destroy) => vi.mocked(destroy).mock.calls.length)).toEqual([0, 1]);
});

test("a request has 20 MiB at most", () => {
  expect(maxBodyBytes).toBe(20 * 2 ** 20);
});

test("only what there was no room for counts as busy", async () => {
  const { door } = doorOf();
  const busyAfter = async (outcome: Awaited<ReturnType<Door["through"]>>) => {
    await door.through(async () => outcome);
    return Number.isFinite(door.lastBusyAt);
  };
  expect(await busyAfter({ kind: "taken", rejected: 0, message: "" })).toBe(false);
  expect(await busyAfter({ kind: "failed", message: "" })).toBe(false);
  expect(await busyAfter("too-large")).toBe(false);
  expect(await busyAfter("busy")).toBe(true);
});

test("a request that is handled, or fails, holds no memory and is no longer waited for", async () => {
  const { admission, door } = doorOf();
  await door.through(async () => ({ kind: "busy", message: "" }));
  const failing = door.through(async () => {
    throw new TypeError("a bug");
  });
  await expect(failing).rejects.toThrow("a bug");
  expect(admission.bytes).toBe(0);
  let isIdle = false;
  const idle = door.idle().then(() => {
    isIdle = true;
  });
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  expect(isIdle).toBe(true);
  await idle;
});
