import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { lineObject } from "../../src/recording/log-line-object.js";
import { readRecordedMessages } from "../../src/recording/recorded-messages.js";
import { openTracks, type ReplayTrack } from "../../src/recording/replay-track.js";
import { startRecorder } from "../../src/recording/start-recorder.js";
import { type ReplaySettings, type RunningReplay, startReplay } from "../../src/recording/start-replay.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import type { Address } from "../../src/transport/address.js";
import { lineKey } from "../../src/verification/line-key.js";
import { openSent } from "../../src/verification/open-sent.js";
import { magic, SimpleAcceptor } from "./simple-acceptor.js";

const vectors = fileURLToPath(new URL("../vectors/", import.meta.url));

let directory: string;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-replaying-"));
});
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
  await rm(directory, { recursive: true });
});

function path(name: string): string {
  return join(directory, name);
}

function optionsOf(target: Address): { path: string } | { host: string; port: number } {
  return target.kind === "unix" ? { path: target.path } : { host: target.host, port: target.port };
}

/** A tracer that listens; its acceptors are in the order in which nodes connect. */
async function tracer(at: Address): Promise<{ target: Address; acceptors: SimpleAcceptor[] }> {
  const acceptors: SimpleAcceptor[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    const acceptor = new SimpleAcceptor(socket, "listener");
    acceptors.push(acceptor);
    void acceptor.ended();
  });
  server.listen(optionsOf(at));
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  const isPort = typeof bound === "object" && bound !== null && at.kind === "tcp";
  return { target: isPort ? { ...at, port: bound.port } : at, acceptors };
}

/** A tracer that connects. */
async function connectTracer(target: Address): Promise<SimpleAcceptor> {
  const socket = connect({ ...optionsOf(target), allowHalfOpen: true });
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, "connect");
  const acceptor = new SimpleAcceptor(socket, "opener");
  void acceptor.ended();
  return acceptor;
}

const unix = (name: string): Address => ({ kind: "unix", path: path(name) });
const fast = {
  magic,
  speed: Number.POSITIVE_INFINITY,
  copies: 1,
  loops: 1,
  reconnect: { initialMs: 10, maxMs: 100 },
};

async function replay(files: string[], settings: Partial<ReplaySettings> & Pick<ReplaySettings, "network">) {
  const { tracks } = await openTracks(files);
  const running: RunningReplay = await startReplay({ ...fast, tracks, ...settings });
  cleanups.push(() => running.stop());
  return running;
}

async function objectsIn(file: string): Promise<Buffer[]> {
  const objects: Buffer[] = [];
  for await (const { message } of readRecordedMessages(file, (text) => expect(text).toBe("")))
    if (message.kind === "objects") objects.push(...message.objects.map((one) => Buffer.from(one)));
  return objects;
}

/** Compared as one run of bytes: a difference of megabytes is useless in the output. */
function areEqual(one: readonly Buffer[], other: readonly Buffer[]): boolean {
  return one.length === other.length && one.every((object, at) => object.equals(other[at]!));
}

test.each(["accept-250", "connect-250", "done-after-250", "small-session"])(
  "the objects of the recorded stream %s arrive at a tracer byte for byte, in order, from a node of the recorded name",
  async (name) => {
    const file = join(vectors, `${name}.forwarder.bin`);
    const { target, acceptors } = await tracer(unix("tracer.sock"));
    const running = await replay([file], { network: { mode: "connect", address: target } });
    await running.finished;
    const [acceptor] = acceptors;
    expect(areEqual(acceptor!.objects, await objectsIn(file))).toBe(true);
    const [track] = (await openTracks([file])).tracks;
    expect(acceptor!.name).toBe(track!.name);
    expect(running.reports()).toMatchObject([{ name: track!.name, objectsSent: acceptor!.objects.length }]);
  },
);

test.each([
  { opener: "the node", kind: "unix" },
  { opener: "the node", kind: "tcp" },
  { opener: "the tracer", kind: "unix" },
  { opener: "the tracer", kind: "tcp" },
] as const)(
  "a recorder between a node and a tracer, where $opener connects over $kind, makes a recording that replays byte for byte",
  async ({ opener, kind }) => {
    const place = (name: string): Address =>
      kind === "unix" ? unix(name) : { kind, host: "127.0.0.1", port: 0 };
    const source = new NumberedSource({ name: "node-7", count: 1_000, metrics: 5 });
    const recording = { path: path("traffic.rec"), onTrouble: (text: string) => expect(text).toBe("") };
    let acceptor: SimpleAcceptor;
    let stopRecorder: () => Promise<unknown>;
    if (opener === "the node") {
      const { target, acceptors } = await tracer(place("tracer.sock"));
      const routes = [{ listen: place("recorder.sock"), connect: target }];
      const recorder = await startRecorder({ routes, recording, onEvent: () => {} });
      stopRecorder = () => recorder.stop();
      cleanups.push(stopRecorder);
      const network = { mode: "connect", address: recorder.addresses[0]! } as const;
      await using node = await simulatedNode({ source, network, magic });
      await node.finished;
      acceptor = acceptors[0]!;
    } else {
      await using node = await simulatedNode({
        source,
        network: { mode: "listen", address: place("node.sock") },
        magic,
      });
      const routes = [{ listen: place("recorder.sock"), connect: node.address! }];
      const recorder = await startRecorder({ routes, recording, onEvent: () => {} });
      stopRecorder = () => recorder.stop();
      cleanups.push(stopRecorder);
      acceptor = await connectTracer(recorder.addresses[0]!);
      await node.finished;
    }
    await stopRecorder();
    expect(acceptor.objects).toHaveLength(1_000);
    expect(areEqual(await objectsIn(path("traffic.rec")), acceptor.objects)).toBe(true);

    const again = await tracer(unix("again.sock"));
    const running = await replay([path("traffic.rec")], {
      network: { mode: "connect", address: again.target },
    });
    await running.finished;
    expect(areEqual(again.acceptors[0]!.objects, acceptor.objects)).toBe(true);
    await vi.waitFor(() => expect(again.acceptors[0]!.name).toBe("node-7"), { timeout: 20_000 });
  },
);

test("the lines of a log reach a connecting tracer byte for byte as machine texts", async () => {
  const lines = Array.from({ length: 300 }, (_, n) => `{"at":"2026-02-16T09:30:01.${n}Z","n":"\u20ac ${n}"}`);
  await mkdir(path("logs/n"), { recursive: true });
  await writeFile(path("logs/n/node-2026-02-16T09-30-01.json"), `${lines.join("\n")}\n`);
  const address = unix("node.sock");
  const running = await replay([path("logs")], { network: { mode: "listen", address } });
  const acceptor = await connectTracer(address);
  await running.finished;
  await vi.waitFor(() => expect(acceptor.name).toBe("n"), { timeout: 20_000 });
  expect(acceptor.objects).toHaveLength(300);
  expect(acceptor.objects.every((object, at) => object.includes(lines[at]!))).toBe(true);
});

test("copies are nodes with different names that all send the same", async () => {
  const file = join(vectors, "small-session.forwarder.bin");
  const { target, acceptors } = await tracer(unix("tracer.sock"));
  const network = { mode: "connect", address: target } as const;
  const running = await replay([file], { network, copies: 5, name: "copy", loops: 3 });
  await running.finished;
  expect(acceptors.map(({ name }) => name).sort()).toEqual([
    "copy-1",
    "copy-2",
    "copy-3",
    "copy-4",
    "copy-5",
  ]);
  const once = await objectsIn(file);
  for (const { objects } of acceptors) expect(areEqual(objects, [...once, ...once, ...once])).toBe(true);
});

test("a long log arrives whole from several copies at once", async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `{"at":"2026-02-16T09:30:01Z","n":${n}}`);
  await writeFile(path("n.json"), lines.join("\n"));
  const { target, acceptors } = await tracer(unix("tracer.sock"));
  const running = await replay([path("n.json")], {
    network: { mode: "connect", address: target },
    copies: 3,
  });
  await running.finished;
  expect(acceptors).toHaveLength(3);
  for (const { objects } of acceptors) {
    expect(objects).toHaveLength(lines.length);
    expect(objects.every((object, at) => object.includes(lines[at]!))).toBe(true);
  }
});

/** A track of one object at this second. */
function trackAt(name: string, second: number): ReplayTrack {
  const objects = [lineObject(Buffer.from(`{"by":"${name}"}`), 0)!.encoded];
  return {
    name,
    began: second * 1e6,
    dataPoints: new Map(),
    async *events() {
      yield { at: second * 1e6, message: { kind: "objects", objects } };
    },
  };
}

test("nodes begin together, and one whose file begins later waits for its time", async () => {
  const { target, acceptors } = await tracer(unix("tracer.sock"));
  const tracks = [trackAt("first", 10), trackAt("later", 11), trackAt("with-it", 10)];
  const network = { mode: "connect", address: target } as const;
  // A second lasts two hours.
  const running = await startReplay({ tracks, network, magic, speed: 1 / 7_200, copies: 1, loops: 1 });
  cleanups.push(() => running.stop());
  const sent = () => running.reports().map(({ objectsSent }) => objectsSent);
  await vi.waitFor(() => expect(acceptors).toHaveLength(3), { timeout: 20_000 });
  await vi.waitFor(() => expect([sent()[0], sent()[2]]).toEqual([1, 1]), { timeout: 20_000 });
  expect(sent()[1]).toBe(0);
});

test("a track that cannot be read to its end makes the replay fail with the reason", async () => {
  const { target } = await tracer(unix("tracer.sock"));
  const track: ReplayTrack = {
    ...trackAt("torn", 1),
    // biome-ignore lint/correctness/useYield: it fails at once
    async *events() {
      throw new Error("unreadable");
    },
  };
  const network = { mode: "connect", address: target } as const;
  const speed = Number.POSITIVE_INFINITY;
  const running = await startReplay({ tracks: [track], network, magic, speed, copies: 1, loops: 1 });
  cleanups.push(() => running.stop());
  await expect(running.finished).rejects.toThrow("unreadable");
});

test("copies that listen use numbered addresses", async () => {
  const address = unix("node.sock");
  const file = join(vectors, "small-session.forwarder.bin");
  const running = await replay([file], { network: { mode: "listen", address }, copies: 2 });
  const names = [];
  for (const number of [1, 2]) {
    const acceptor = await connectTracer(unix(`node.sock-${number}`));
    await vi.waitFor(() => expect(acceptor.name).toBeDefined(), { timeout: 20_000 });
    names.push(acceptor.name);
  }
  expect(names).toEqual(running.reports().map(({ name }) => name));
});

test("objects of simulated nodes are compared by the numbers in their lines", async () => {
  const { target, acceptors } = await tracer(unix("tracer.sock"));
  const source = new NumberedSource({ name: "n", count: 500 });
  await using node = await simulatedNode({ source, network: { mode: "connect", address: target }, magic });
  await node.finished;
  const report = { seconds: 1, nodes: [{ name: "n", ...node.report(), thrownAway: 0 }], total: {} };
  await writeFile(path("account.json"), JSON.stringify(report));
  await using sent = await openSent([path("account.json")]);
  expect(sent.nodes).toHaveLength(1);
  const keys: number[] = [];
  for await (const chunk of sent.nodes[0]!.sent.keysFrom(0)) keys.push(...chunk);
  const found = acceptors[0]!.objects.map((object) => {
    const start = object.indexOf('{"');
    // The time after the text may by chance contain the byte of a brace, but not after a quotation mark.
    const end = object.lastIndexOf('"}') + 2;
    return sent.nodes[0]!.keyOf(object, start, end);
  });
  expect(found).toEqual(keys);
  expect(keys).toEqual(Array.from({ length: 500 }, (_, number) => number));
  const torn = Buffer.from('{"seq":"000000000001","pad":"xx');
  expect(sent.nodes[0]!.keyOf(torn, 0, torn.length)).toBeNaN();
  expect(sent.nodes[0]!.keyOf).not.toBe(lineKey);
});
