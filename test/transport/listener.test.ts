import { once } from "node:events";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, rename, stat, unlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { Worker } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import type { Address } from "../../src/transport/address.js";
import type { Connection } from "../../src/transport/connection.js";
import { type Listener, type ListenerOptions, openListener } from "../../src/transport/listener.js";
import { TransportError } from "../../src/transport/transport-faults.js";
import { anywhere, hasIPv6, Place } from "./places.js";

const place = new Place();

/** Listens; connections are kept until they close. */
async function listenAt(address: Address, options: Partial<ListenerOptions> = {}) {
  const connections: Connection[] = [];
  const tooMany: number[] = [];
  const listener = await openListener({
    address,
    maxConnections: 100,
    run: async (connection) => {
      connections.push(connection);
      place.atEnd(() => connection.stream.destroy());
      connection.stream.resume();
      await new Promise((resolve) => connection.stream.once("close", resolve));
      return true;
    },
    onTooMany: (limit) => tooMany.push(limit),
    ...options,
  });
  place.atEnd(() => listener.stop());
  return { listener, connections, tooMany };
}

/** The file that a killed tracer leaves. */
async function leaveDeadSocket(path: string): Promise<void> {
  const server = createServer();
  server.listen(path);
  await once(server, "listening");
  const kept = place.path("kept");
  await rename(path, kept);
  server.close();
  await once(server, "close");
  await rename(kept, path);
}

async function livingServer(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, "listening");
  place.atEnd(() => server.close());
  return server;
}

async function faultOf(promise: Promise<unknown>): Promise<TransportError> {
  const error = await promise.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(TransportError);
  return error as TransportError;
}

test.each([
  { kind: "unix", id: "unix-1", peer: /muninn\.sock$/ },
  { kind: "IPv4", id: "127.0.0.1-1", peer: /^127\.0\.0\.1:\d+$/ },
  { kind: "IPv6", id: "1-1", peer: /^\[::1\]:\d+$/ },
] as const)(
  "a peer that connects over $kind gets one connection, with bytes both ways",
  async ({ kind, id, peer }) => {
    if (kind === "IPv6" && !hasIPv6) return expect(hasIPv6).toBe(false);
    const { listener, connections } = await listenAt(anywhere(kind, place));
    expect(listener.listening).toBe(true);
    const socket = await place.connect(listener.address);
    await vi.waitFor(() => expect(connections).toHaveLength(1), { timeout: 20_000 });
    const [connection] = connections;
    expect(connection).toMatchObject({ id, opener: "peer", peer: expect.stringMatching(peer) });
    socket.write("question");
    expect(String((await once(connection!.stream, "data"))[0])).toBe("question");
    connection!.stream.write("answer");
    expect(String((await once(socket, "data"))[0])).toBe("answer");
  },
);

test("an IPv4 peer of a dual-stack socket is known by its IPv4 address", async () => {
  if (!hasIPv6) return expect(hasIPv6).toBe(false);
  const { listener, connections } = await listenAt({ kind: "tcp", host: "::", port: 0 });
  const { port } = listener.address as Address & { kind: "tcp" };
  await place.connect({ kind: "tcp", host: "127.0.0.1", port });
  await vi.waitFor(() => expect(connections[0]?.id).toBe("127.0.0.1-1"), { timeout: 20_000 });
});

test("a peer's end does not end our side", async () => {
  const { listener, connections } = await listenAt(place.unix());
  const socket = await place.connect(listener.address);
  socket.end();
  await vi.waitFor(() => expect(connections[0]?.stream.readableEnded).toBe(true), { timeout: 20_000 });
  connections[0]?.stream.end("last words");
  expect(await text(socket)).toBe("last words");
});

test("a number is free again once its connection has ended", async () => {
  const { listener, connections } = await listenAt(place.unix());
  const [first] = [await place.connect(listener.address), await place.connect(listener.address)];
  await vi.waitFor(() => expect(connections.map(({ id }) => id)).toEqual(["unix-1", "unix-2"]), {
    timeout: 20_000,
  });
  const closed = once(connections[0]!.stream, "close");
  first.destroy();
  connections[0]!.stream.end();
  await closed;
  await place.connect(listener.address);
  await vi.waitFor(() => expect(connections[2]?.id).toBe("unix-1"), { timeout: 20_000 });
});

test("the missing directory of a socket is created and reported", async () => {
  const onDirectoryMade = vi.fn();
  const path = place.path("muninn", "tracer.sock");
  const { listener } = await listenAt({ kind: "unix", path }, { onDirectoryMade });
  await place.connect(listener.address);
  expect((await stat(path)).isSocket()).toBe(true);
  expect(onDirectoryMade.mock.calls).toEqual([[place.path("muninn")]]);
  await listenAt({ kind: "unix", path: place.path("muninn", "second.sock") }, { onDirectoryMade });
  expect(onDirectoryMade).toHaveBeenCalledTimes(1);
});

test("a path with two missing directories is an error that names the first, and nothing is created", async () => {
  const path = place.path("run", "muninn", "tracer.sock");
  const error = await faultOf(listenAt({ kind: "unix", path }));
  expect(error.fault).toEqual({ code: "no-directory", path, missing: place.path("run") });
  expect(error.message).toContain(
    `there is no directory ${place.path("run")}. Create it, or correct the path`,
  );
  expect(await readdir(place.directory)).toEqual([]);
});

test.each([
  { umask: 0o000, mode: 0o770, narrowed: true },
  { umask: 0o002, mode: 0o770, narrowed: false },
  { umask: 0o022, mode: 0o750, narrowed: false },
  { umask: 0o077, mode: 0o700, narrowed: false },
])(
  "with the umask $umask a socket has the mode $mode, and a narrowed mode is reported",
  async ({ umask, mode, narrowed }) => {
    const before = process.umask(umask);
    try {
      const onModeNarrowed = vi.fn();
      const { listener } = await listenAt(place.unix(), { onModeNarrowed });
      const { path } = listener.address as Address & { kind: "unix" };
      expect((await stat(path)).mode & 0o777).toBe(mode);
      expect(onModeNarrowed.mock.calls).toEqual(narrowed ? [[path]] : []);
      await listenAt(place.unix("chosen.sock"), { onModeNarrowed, socketMode: 0o777 });
      expect(onModeNarrowed.mock.calls).toHaveLength(narrowed ? 1 : 0);
    } finally {
      process.umask(before);
    }
  },
);

test("in a thread, which cannot set the umask, only owner and group may connect", async () => {
  const unixKind = new URL("../../dist/transport/links/unix.js", import.meta.url).href;
  const { path } = place.unix();
  const worker = new Worker(
    `import(${JSON.stringify(unixKind)}).then(async ({ unixLink }) => {
       const { parentPort, workerData } = require("node:worker_threads");
       await unixLink.listen({ kind: "unix", path: workerData }, { maxConnections: 1 }, () => {});
       parentPort.postMessage("listening");
     });`,
    { eval: true, workerData: path },
  );
  place.atEnd(() => worker.terminate());
  await once(worker, "message");
  expect((await stat(path)).mode & 0o007).toBe(0);
});

test.each([0o600, 0o660, 0o666, 0o777])(
  "a socket has the configured permissions %o, and the umask stays the same",
  async (socketMode) => {
    const umask = process.umask();
    const { listener } = await listenAt(place.unix(), { socketMode });
    expect((await stat((listener.address as { path: string }).path)).mode & 0o777).toBe(socketMode);
    expect(process.umask()).toBe(umask);
  },
);

test("the socket of a dead tracer is replaced, and no other file is left behind", async () => {
  const address = place.unix();
  await leaveDeadSocket(address.path);
  await expect(place.connect(address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await listenAt(address);
  await place.connect(address);
  expect(await readdir(place.directory)).toEqual(["muninn.sock"]);
});

test("the socket of a running tracer is an error that says so, and that tracer keeps it", async () => {
  const address = place.unix();
  const { connections } = await listenAt(address);
  const error = await faultOf(listenAt(address));
  expect(error.fault).toEqual({ code: "address-in-use", address });
  expect(error.message).toMatch(/muninn\.sock is in use: another tracer/);
  await place.connect(address);
  await vi.waitFor(() => expect(connections.length).toBeGreaterThanOrEqual(1), { timeout: 20_000 });
  expect(await readdir(place.directory)).toEqual(["muninn.sock"]);
});

test("the socket of another running program without claims is an error, too, and is left alone", async () => {
  const address = place.unix();
  const other = createServer((socket) => socket.on("error", () => {}).destroy()).listen(address.path);
  await once(other, "listening");
  const error = await faultOf(listenAt(address));
  expect(error.fault).toEqual({ code: "address-in-use", address });
  expect(other.listening).toBe(true);
  expect(await readdir(place.directory)).toEqual(["muninn.sock"]);
  other.close();
  await once(other, "close");
});

test("a TCP port in use is an error that says so", async () => {
  const { listener } = await listenAt({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const error = await faultOf(listenAt(listener.address));
  expect(error.fault).toEqual({ code: "address-in-use", address: listener.address });
});

test.each([
  { what: "a regular file", make: (path: string) => writeFile(path, "precious") },
  { what: "a directory", make: (path: string) => mkdir(path) },
])("$what in place of the socket is an error, and is left alone", async ({ make }) => {
  const address = place.unix();
  await make(address.path);
  const before = await lstat(address.path);
  const error = await faultOf(listenAt(address));
  expect(error.fault).toEqual({ code: "not-a-socket", path: address.path });
  expect(await lstat(address.path)).toMatchObject({
    ino: before.ino,
    size: before.size,
    mtimeMs: before.mtimeMs,
  });
});

test("a directory that cannot be created is an error with its cause", async () => {
  await writeFile(place.path("file"), "");
  const error = await faultOf(listenAt({ kind: "unix", path: place.path("file", "muninn.sock") }));
  expect(error.fault.code).toBe("cannot-listen");
  expect((error.cause as NodeJS.ErrnoException).code).toMatch(/ENOTDIR|EEXIST/);
});

test("of several that find the same dead socket at once one listens, and the others report that it is in use", async () => {
  for (let round = 0; round < 20; round += 1) {
    const address = place.unix(`round-${round}.sock`);
    await leaveDeadSocket(address.path);
    const attempts = await Promise.allSettled(Array.from({ length: 4 }, () => listenAt(address)));
    const listening = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? attempt.value : []));
    const codes = attempts.flatMap((attempt) =>
      attempt.status === "rejected" ? (attempt.reason as TransportError).fault.code : [],
    );
    expect(codes).toEqual(new Array(codes.length).fill("address-in-use"));
    expect(listening).toHaveLength(1);
    await place.connect(address);
    await vi.waitFor(() => expect(listening[0]?.connections.length).toBeGreaterThan(0), { timeout: 20_000 });
    expect((await readdir(place.directory)).filter((name) => name.startsWith("."))).toEqual([]);
    await listening[0]?.listener.stop();
  }
});

test("a path of the maximum length can be listened on, and a dead socket there is replaced", async () => {
  const room = 107 - Buffer.byteLength(place.directory) - "//s".length;
  const path = join(place.directory, "d".repeat(room), "s");
  await mkdir(dirname(path));
  expect(Buffer.byteLength(path)).toBe(107);
  await leaveDeadSocket(path);
  await listenAt({ kind: "unix", path });
  await place.connect({ kind: "unix", path });
});

test("connections beyond the limit are closed at once and reported, and open ones stay", async () => {
  const { listener, connections, tooMany } = await listenAt(place.unix(), { maxConnections: 2 });
  const inside = [await place.connect(listener.address), await place.connect(listener.address)];
  await vi.waitFor(() => expect(connections).toHaveLength(2), { timeout: 20_000 });
  const outside = await place.connect(listener.address);
  outside.resume();
  await once(outside, "end");
  expect(tooMany).toEqual([2]);
  expect(connections).toHaveLength(2);
  inside[0]!.write("still here");
  expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("still here");
  inside[1]!.destroy();
  connections[1]!.stream.end();
  await vi.waitFor(
    async () => {
      await place.connect(listener.address);
      expect(connections.length).toBeGreaterThan(2);
    },
    { timeout: 20_000 },
  );
});

test("a peer that drops its connection before anybody handles its errors does not end the process", async () => {
  const { listener, connections } = await listenAt({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const socket = await place.connect(listener.address);
  await vi.waitFor(() => expect(connections).toHaveLength(1), { timeout: 20_000 });
  const closed = new Promise((resolve) => connections[0]!.stream.once("close", resolve));
  socket.resetAndDestroy();
  await closed;
});

test("a stop removes the socket, accepts nobody, and leaves open connections", async () => {
  const { listener, connections } = await listenAt(place.unix());
  const socket = await place.connect(listener.address);
  await vi.waitFor(() => expect(connections).toHaveLength(1), { timeout: 20_000 });
  await listener.stop();
  expect(listener.listening).toBe(false);
  expect(await readdir(place.directory)).toEqual([]);
  await expect(place.connect(listener.address)).rejects.toMatchObject({ code: "ENOENT" });
  socket.write("still here");
  expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("still here");
});

test("a second or simultaneous stop has the same effect as one", async () => {
  const { listener } = await listenAt(place.unix());
  await Promise.all([listener.stop(), listener.stop()]);
  await listener.stop();
  expect(await readdir(place.directory)).toEqual([]);
});

test.each([
  { what: "another tracer's socket", put: (path: string) => livingServer(path) },
  { what: "a regular file", put: (path: string) => writeFile(path, "precious") },
])("a stop leaves $what alone that has replaced our socket", async ({ put }) => {
  const address = place.unix();
  const { listener } = await listenAt(address);
  await unlink(address.path);
  await put(address.path);
  const before = await lstat(address.path);
  await listener.stop();
  expect((await lstat(address.path)).ino).toBe(before.ino);
  expect(await readdir(place.directory)).toEqual(["muninn.sock"]);
  if (before.isFile()) expect(await readFile(address.path, "utf8")).toBe("precious");
  else await place.connect(address);
});

test("a stop does not fail if somebody removed the socket", async () => {
  const address = place.unix();
  const { listener } = await listenAt(address);
  await unlink(address.path);
  await listener.stop();
  expect(existsSync(address.path)).toBe(false);
});

test("a stopped listener can be opened again at the same address", async () => {
  const address = place.unix();
  const listeners: Listener[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { listener } = await listenAt(address);
    listeners.push(listener);
    await listener.stop();
  }
  expect(listeners.map(({ listening }) => listening)).toEqual([false, false, false]);
});
