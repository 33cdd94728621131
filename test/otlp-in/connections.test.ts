import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { ClosedReason, DoorObserver, Transport } from "../../src/otlp-in/door.js";
import { OtlpIn } from "../../src/otlp-in/otlp-in.js";

const path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const settings = Buffer.from("000000040000000000", "hex");
const ping = Buffer.from("0000080600000000000000000000000000", "hex");

let stop: () => Promise<void> = async () => {};
let clients: Socket[] = [];
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await stop();
});

/** Accepts requests without resources, which create no nodes. */
async function opened(maxConnections = 4, admits = async () => true) {
  const closed: [Transport, ClosedReason, string][] = [];
  const observer: DoorObserver = {
    refused: () => {},
    rejected: () => {},
    closed: (...what) => closed.push(what),
  };
  const otlpIn = new OtlpIn({
    options: { host: "127.0.0.1", port: 0, grpcPort: 0 },
    auth: undefined,
    maxConnections,
    observer,
    maxBytes: 64 * 1_048_576,
    maxObjectBytes: 1_000_000,
    maxMetricsPerNode: 10,
    joinMetrics: () => ({ grow: () => true, leave: () => {} }),
    admits,
    open: () => {
      throw new Error("no resource was sent");
    },
  });
  stop = () => otlpIn.stop();
  await otlpIn.open();
  return { otlpIn, closed };
}

/** A connected client. */
async function client(
  otlpIn: OtlpIn,
  name: "otlp" | "otlpGrpc",
  text: string | Buffer = "",
): Promise<Socket> {
  const [host, port] = otlpIn.served.get(name)!.split(":");
  const socket = connect(Number(port), host);
  clients.push(socket);
  socket.on("error", () => {}).setMaxListeners(0);
  await once(socket, "connect");
  if (text.length > 0) socket.write(text);
  return socket;
}

/** What is received until it is `wanted`, or the connection is closed. */
async function received(socket: Socket, wanted: (text: string) => boolean): Promise<string> {
  let text = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString("latin1");
    if (wanted(text)) break;
  }
  return text;
}

const isClosed = async (socket: Socket) =>
  socket.destroyed ||
  socket.resume().destroyed ||
  (await Promise.race([once(socket, "close").catch(() => "reset"), pause(5_000)])) !== undefined;

const post = (headers: string, body = "") =>
  `POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n${headers}\r\n${body}`;
const empty = post("Content-Length: 0\r\n");
const answers = (text: string) => text.match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(-3)) ?? [];

/** Makes one gRPC call; resolves with its status. */
async function calledOn(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
  });
  stream.end(Buffer.alloc(5)).resume();
  const [trailers] = await once(stream, "trailers");
  return trailers["grpc-status"];
}

/** The same on a new connection. */
async function called(otlpIn: OtlpIn): Promise<string> {
  const session = connectHttp2(`http://${otlpIn.served.get("otlpGrpc")}`);
  const status = await calledOn(session);
  session.destroy();
  return status;
}

test("requests in one chunk of data are answered one after the other, whether their bodies are chunked or not", async () => {
  const { otlpIn } = await opened();
  const chunked = (body: string) => post("Transfer-Encoding: chunked\r\n", body);
  const requests = [
    empty,
    chunked("0\r\n\r\n"),
    // `GET` within a body is neither a request nor protobuf.
    post("Content-Length: 18\r\n", "GET / HTTP/1.1\r\n\r\n"),
    chunked("12\r\nGET / HTTP/1.1\r\n\r\n\r\n0\r\n\r\n"),
  ];
  const socket = await client(otlpIn, "otlp", requests.join("").repeat(200));
  const text = await received(socket, (so) => answers(so).length === 800);
  expect(answers(text)).toEqual(Array(200).fill(["200", "200", "400", "400"]).flat());
});

test.each(["otlp", "otlpGrpc"] as const)(
  "an idle connection of %s gives way to a new one, the longest idle first",
  async (name) => {
    const { otlpIn, closed } = await opened(3);
    const transport = name === "otlp" ? "http" : "grpc";
    const began = name === "otlp" ? empty : Buffer.concat([Buffer.from(preface), settings]);
    const idle: Socket[] = [];
    for (const text of [began, "", began]) {
      const socket = await client(otlpIn, name, text);
      if (text !== "") await once(socket, "data");
      idle.push(socket);
    }
    // It has been active since.
    if (name === "otlp") {
      idle[0]!.write(empty);
      await once(idle[0]!, "data");
    }
    const newcomer = await client(otlpIn, name, began);
    await once(newcomer, "data");
    const gone = idle[name === "otlp" ? 1 : 0]!;
    expect(await isClosed(gone)).toBe(true);
    expect(idle.filter(({ destroyed }) => destroyed)).toEqual([gone]);
    expect(closed).toEqual([[transport, "gave-way", "127.0.0.1"]]);
    const { connections, closings } = otlpIn.stats();
    expect(connections.get(transport)).toBe(3);
    expect([...closings]).toEqual([[`${transport} gave-way`, 1]]);
  },
);

test("a connection with a slow request gives way, too, after those that were idle before it began", async () => {
  const { otlpIn, closed } = await opened(2);
  const slow = await client(otlpIn, "otlp", empty);
  await once(slow, "data");
  const idle = await client(otlpIn, "otlp", empty);
  await once(idle, "data");
  slow.write(post("Content-Length: 9\r\n", "x"));
  await pause(100);
  for (const gone of [idle, slow]) {
    const newcomer = await client(otlpIn, "otlp", empty);
    await once(newcomer, "data");
    expect(await isClosed(gone)).toBe(true);
    // It is not idle, so it gives way last.
    newcomer.write(post("Content-Length: 9\r\n", "x"));
    await pause(100);
  }
  expect(closed.map(([, reason]) => reason)).toEqual(["gave-way", "gave-way"]);
});

test("a connection that waits for its answer does not give way: a new one gets no place", async () => {
  let decide!: (admits: boolean) => void;
  const decided = new Promise<boolean>((resolve) => {
    decide = resolve;
  });
  const { otlpIn, closed } = await opened(1, () => decided);
  // `resource_logs { scope_logs { log_records { body { string_value: "hello" } } } }`
  const hello = Buffer.from("0a0d120b12092a070a0568656c6c6f", "hex").toString("latin1");
  const waiting = await client(otlpIn, "otlp", post("Content-Length: 15\r\n", hello));
  await pause(100);
  expect(await isClosed(await client(otlpIn, "otlp", empty))).toBe(true);
  expect(closed).toEqual([["http", "no-place", "127.0.0.1"]]);
  decide(false);
  expect(answers(await received(waiting, (text) => answers(text).length === 1))).toEqual(["200"]);
});

test("the port for gRPC disconnects at the first bytes that are not HTTP/2", async () => {
  const { otlpIn, closed } = await opened();
  for (const text of [empty, "PRI * HTTP/1", "\u0000"])
    expect(await isClosed(await client(otlpIn, "otlpGrpc", text))).toBe(true);
  expect(closed).toEqual(Array(3).fill(["grpc", "not-http2", "127.0.0.1"]));
  // A preface that arrives byte by byte is not mistaken for another protocol.
  const slow = await client(otlpIn, "otlpGrpc");
  slow.setNoDelay(true);
  for (const byte of Buffer.concat([Buffer.from(preface), settings])) {
    slow.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await once(slow, "data");
  expect(await called(otlpIn)).toBe("0");
});

test("a client that sends frames that no call needs is disconnected, and one that makes as many calls is not", async () => {
  const { otlpIn, closed } = await opened();
  const begin = Buffer.concat([Buffer.from(preface), settings]);
  const some = await client(
    otlpIn,
    "otlpGrpc",
    Buffer.concat([begin, Buffer.alloc(900 * ping.length, ping)]),
  );
  await once(some, "data");
  const many = await client(
    otlpIn,
    "otlpGrpc",
    Buffer.concat([begin, Buffer.alloc(2_000 * ping.length, ping)]),
  );
  expect(await isClosed(many)).toBe(true);
  expect(closed).toEqual([["grpc", "too-many-frames", "127.0.0.1"]]);
  expect(some.destroyed).toBe(false);

  const session = connectHttp2(`http://${otlpIn.served.get("otlpGrpc")}`);
  for (let calls = 0; calls < 1_000; calls += 50) {
    const statuses = Array.from({ length: 50 }, () => calledOn(session));
    expect(new Set(await Promise.all(statuses))).toEqual(new Set(["0"]));
  }
  session.destroy();
  expect(closed).toHaveLength(1);
});

test("a stop ends clients that have said nothing yet", async () => {
  const { otlpIn } = await opened();
  const silent = [await client(otlpIn, "otlp"), await client(otlpIn, "otlpGrpc")];
  for (const socket of silent) socket.resume();
  expect(await Promise.race([otlpIn.stop(), pause(8_000, "late")])).toBeUndefined();
});

test("over gRPC a connection whose calls are answered gives way again", async () => {
  const { otlpIn, closed } = await opened(1);
  const first = connectHttp2(`http://${otlpIn.served.get("otlpGrpc")}`);
  const call = first.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
  call.resume().end(Buffer.alloc(5));
  await once(call, "close");
  const ended = once(first, "close");
  await client(otlpIn, "otlpGrpc", preface);
  await ended;
  expect(closed.map(([transport, reason]) => [transport, reason])).toEqual([["grpc", "gave-way"]]);
});
