import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type RecordedMessage, readRecordedMessages } from "../../src/recording/recorded-messages.js";
import { Recorder } from "../../src/recording/recorder.js";
import { readRecordingFile } from "../../src/recording/recording-reader.js";
import { RecordingWriter } from "../../src/recording/recording-writer.js";
import { type RunningRecorder, startRecorder } from "../../src/recording/start-recorder.js";
import type { Address } from "../../src/transport/address.js";

const vectors = fileURLToPath(new URL("../vectors/", import.meta.url));

let directory: string;
let events: string[];
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-recorder-"));
  events = [];
});
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
  await rm(directory, { recursive: true });
});

function address(kind: "unix" | "tcp", name: string): Address {
  return kind === "unix" ? { kind, path: join(directory, name) } : { kind, host: "127.0.0.1", port: 0 };
}

function optionsOf(target: Address): { path: string } | { host: string; port: number } {
  return target.kind === "unix" ? { path: target.path } : { host: target.host, port: target.port };
}

/** Listens like a peer; returns the address and the first connection. */
async function listen(at: Address): Promise<{ target: Address; connection: Promise<Socket> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  const connection = once(server, "connection").then(([socket]) => socket as Socket);
  server.listen(optionsOf(at));
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  const isPort = typeof bound === "object" && bound !== null && at.kind === "tcp";
  return { target: isPort ? { ...at, port: bound.port } : at, connection };
}

function dial(target: Address): Socket {
  const socket = connect({ ...optionsOf(target), allowHalfOpen: true });
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

async function start(kind: "unix" | "tcp", target: Address): Promise<RunningRecorder> {
  const recorder = await startRecorder({
    routes: [{ listen: address(kind, "recorder.sock"), connect: target }],
    recording: { path: join(directory, "traffic.rec"), onTrouble: (text) => events.push(text) },
    onEvent: (text) => events.push(text),
  });
  cleanups.push(() => recorder.stop());
  return recorder;
}

async function recordedMessages(): Promise<RecordedMessage[]> {
  const found: RecordedMessage[] = [];
  for await (const item of readRecordedMessages(join(directory, "traffic.rec"), (text) => events.push(text)))
    found.push(item);
  return found;
}

function objectsIn(found: readonly RecordedMessage[]): Buffer[] {
  return found.flatMap(({ message }) =>
    message.kind === "objects" ? message.objects.map((one) => Buffer.from(one)) : [],
  );
}

/** Everything received before the other side's end; unlike an iterator it leaves the stream open for writing. */
async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "end");
  return Buffer.concat(chunks);
}

/** Sends some bytes, then ends its side; resolves with everything received. */
async function converse(socket: Socket, bytes: Buffer): Promise<Buffer> {
  socket.end(bytes);
  return await readAll(socket);
}

test.each([
  { opener: "the node", kind: "unix", name: "accept-250", node: "opener" },
  { opener: "the node", kind: "tcp", name: "accept-250", node: "opener" },
  { opener: "the tracer", kind: "unix", name: "connect-250", node: "listener" },
  { opener: "the tracer", kind: "tcp", name: "connect-250", node: "listener" },
] as const)(
  "when $opener connects over $kind both sides receive each other's bytes unchanged, and they are recorded",
  async ({ kind, name, node }) => {
    const forwarder = await readFile(join(vectors, `${name}.forwarder.bin`));
    const acceptor = await readFile(join(vectors, `${name}.acceptor.bin`));
    const [openerBytes, listenerBytes] = node === "opener" ? [forwarder, acceptor] : [acceptor, forwarder];
    const { target, connection } = await listen(address(kind, "peer.sock"));
    const listenerGot = connection.then((socket) => converse(socket, listenerBytes));
    const recorder = await start(kind, target);
    const openerGot = await converse(dial(recorder.addresses[0]!), openerBytes);
    expect(openerGot.equals(listenerBytes)).toBe(true);
    expect((await listenerGot).equals(openerBytes)).toBe(true);
    const summary = await recorder.stop();
    expect(summary).toMatchObject({
      connections: 1,
      connectionsNow: 0,
      bytesFromOpeners: openerBytes.length,
      bytesFromListeners: listenerBytes.length,
      bytesMissing: 0,
    });
    const recorded = objectsIn(await recordedMessages());
    expect(recorded).toHaveLength(250);
  },
);

test("one side's end is passed on while the other continues to send", async () => {
  const { target, connection } = await listen(address("unix", "peer.sock"));
  const recorder = await start("unix", target);
  const socket = dial(recorder.addresses[0]!);
  socket.end("question");
  const peer = await connection;
  // The peer speaks only after it has read the other side's end.
  expect((await readAll(peer)).toString()).toBe("question");
  peer.end("answer");
  expect((await readAll(socket)).toString()).toBe("answer");
});

/** A stream whose peer reads when the test lets it. */
class SlowPeer extends Duplex {
  readonly got: Buffer[] = [];
  #goOn: (() => void) | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.got.push(chunk);
    this.#goOn = done;
  }

  readOn(): void {
    this.#goOn?.();
  }
}

test("a reader that stops reading pauses the writer until it continues", async () => {
  const path = join(directory, "traffic.rec");
  const writer = await RecordingWriter.open({ path, onTrouble: (text) => events.push(text) });
  const [from, to] = [new SlowPeer(), new SlowPeer({ highWaterMark: 10 })];
  const over = new Recorder(writer).pass({
    opener: "a",
    listener: "b",
    openerStream: from,
    listenerStream: to,
  });
  from.push("more than ten bytes");
  await vi.waitFor(() => expect(to.got).toHaveLength(1), { timeout: 20_000 });
  expect(from.isPaused()).toBe(true);
  from.push("the next");
  to.readOn();
  await vi.waitFor(() => expect(to.got).toHaveLength(2), { timeout: 20_000 });
  expect(from.isPaused()).toBe(false);
  from.destroy();
  to.destroy();
  await over;
  await writer.stop();
  expect(Buffer.concat(to.got).toString()).toBe("more than ten bytesthe next");
});

test("a disk that is behind holds up the traffic until it has caught up", async () => {
  let catchUp: (() => void) | undefined;
  const writer = {
    opened: () => {},
    bytes: () => {},
    ended: () => {},
    closed: () => {},
    roomAgain: () =>
      new Promise<void>((resolve) => {
        catchUp = resolve;
      }),
  } as unknown as RecordingWriter;
  const [from, to] = [new SlowPeer(), new SlowPeer()];
  const pair = { opener: "a", listener: "b", openerStream: from, listenerStream: to };
  const over = new Recorder(writer).pass(pair);
  from.push("some bytes");
  await vi.waitFor(() => expect(to.got).toHaveLength(1), { timeout: 20_000 });
  expect(from.isPaused()).toBe(true);
  catchUp!();
  await vi.waitFor(() => expect(from.isPaused()).toBe(false), { timeout: 20_000 });
  from.destroy();
  to.destroy();
  await over;
});

test("a recording says when a connection is over, and a side that breaks ends the other", async () => {
  const path = join(directory, "traffic.rec");
  const writer = await RecordingWriter.open({ path, onTrouble: (text) => events.push(text) });
  const [from, to] = [new SlowPeer(), new SlowPeer()];
  const pair = { opener: "a", listener: "b", openerStream: from, listenerStream: to };
  const over = new Recorder(writer).pass(pair);
  from.destroy();
  await once(from, "close");
  expect(to.writableEnded).toBe(true);
  to.destroy();
  await over;
  await writer.stop();
  const kinds: string[] = [];
  for await (const frames of readRecordingFile(path, () => {})) kinds.push(...frames.map(({ kind }) => kind));
  expect(kinds).toEqual(["begin", "opened", "closed", "finished"]);
});

test("if a peer cannot be reached, the other is refused and the recorder keeps listening", async () => {
  const recorder = await start("unix", address("unix", "nobody.sock"));
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const socket = dial(recorder.addresses[0]!);
    socket.resume();
    await once(socket, "end");
    socket.destroy();
  }
  expect(events.filter((text) => text.includes("was refused"))).toHaveLength(2);
  expect(recorder.status().connections).toBe(0);
});

test("a peer that drops its connection disconnects the other, and what it had sent arrives", async () => {
  const { target, connection } = await listen(address("tcp", ""));
  const got = connection.then(readAll);
  const recorder = await start("tcp", target);
  const socket = dial(recorder.addresses[0]!);
  socket.write("last words");
  await vi.waitFor(() => expect(recorder.status().bytesFromOpeners).toBe(10), { timeout: 20_000 });
  socket.resetAndDestroy();
  expect((await got).toString()).toBe("last words");
});

test("a stop closes every connection once the bytes read are sent, and may be repeated", async () => {
  const { target, connection } = await listen(address("unix", "peer.sock"));
  const got = connection.then(readAll);
  const recorder = await start("unix", target);
  const socket = dial(recorder.addresses[0]!);
  const closed = once(socket.resume(), "end");
  socket.write("words");
  await vi.waitFor(() => expect(recorder.status().bytesFromOpeners).toBe(5), { timeout: 20_000 });
  const [one, two] = await Promise.all([recorder.stop(), recorder.stop()]);
  expect(one).toBe(two);
  expect((await got).toString()).toBe("words");
  await closed;
  expect(one.connectionsNow).toBe(0);
});

test("traffic passes even if the recording cannot be written", async () => {
  const { target, connection } = await listen(address("unix", "peer.sock"));
  const got = connection.then((socket) => converse(socket, Buffer.from("answer")));
  let writes = 0;
  const recorder = await startRecorder({
    routes: [{ listen: address("unix", "recorder.sock"), connect: target }],
    recording: {
      path: join(directory, "traffic.rec"),
      maxWaitingBytes: 1_000,
      retryMs: 5,
      onTrouble: (text) => events.push(text),
      openPart: async () => ({
        write: (async (_bytes: Uint8Array, _offset: number, length: number) => {
          writes += 1;
          if (writes > 1) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
          return { bytesWritten: length };
        }) as never,
        close: async () => {},
      }),
    },
    onEvent: () => {},
  });
  cleanups.push(() => recorder.stop());
  const question = Buffer.alloc(3_000_000, "q");
  const answer = await converse(dial(recorder.addresses[0]!), question);
  expect(answer.toString()).toBe("answer");
  expect((await got).length).toBe(question.length);
  const { bytesMissing } = await recorder.stop();
  expect(bytesMissing).toBe(question.length + answer.length);
  expect(events.length).toBeGreaterThan(0);
});
