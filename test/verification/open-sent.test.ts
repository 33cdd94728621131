import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeMetricsRequest } from "../../src/protocol/metrics.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import { RecordingWriter } from "../../src/recording/recording-writer.js";
import { openTracks } from "../../src/recording/replay-track.js";
import { openSent } from "../../src/verification/open-sent.js";
import type { Verdict } from "../../src/verification/verdict.js";
import { verify } from "../../src/verification/verify.js";

const vectors = fileURLToPath(new URL("../vectors/", import.meta.url));

let directory: string;
let previousTemporary: string | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-sent-"));
  await mkdir(join(directory, "tmp"));
  previousTemporary = process.env.TMPDIR;
  process.env.TMPDIR = join(directory, "tmp");
});
afterEach(async () => {
  if (previousTemporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = previousTemporary;
  await rm(directory, { recursive: true });
});

async function log(root: string, node: string, text: string): Promise<string> {
  const own = join(directory, root, node);
  await mkdir(own, { recursive: true });
  const file = join(own, "node-2026-02-16T09-30-01.json");
  await writeFile(file, text);
  return file;
}

async function judge(paths: string[], logs: string, name?: string, copies?: number): Promise<Verdict> {
  await using sent = await openSent(paths, { name, copies });
  return await verify({ sent: sent.nodes, remarks: sent.remarks, logs: [join(directory, logs)] });
}

async function machineTexts(name: string): Promise<string[]> {
  const lines = (await readFile(join(vectors, `${name}.objects.jsonl`), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line).machine.replaceAll("\n", " "));
}

test.each(["accept-250", "connect-250", "done-after-250"])(
  "the log of the recorded stream %s passes with all its texts, and fails with one missing",
  async (name) => {
    const texts = await machineTexts(name);
    const stream = join(vectors, `${name}.forwarder.bin`);
    await log("whole", "n", `${texts.join("\n")}\n`);
    await log("less", "n", `${texts.toSpliced(9, 1).join("\n")}\n`);
    expect(await judge([stream], "whole", "n")).toMatchObject({ ok: true, remarks: [] });
    const { ok, nodes } = await judge([stream], "less", "n");
    expect(ok).toBe(false);
    expect(nodes).toMatchObject([{ node: "n", sent: texts.length, found: texts.length - 1, lost: 1 }]);
    expect(nodes[0]!.places).toMatchObject([{ defect: "lost", line: 10, sent: { first: 10, count: 1 } }]);
  },
);

test("no temporary file is left behind", async () => {
  await log("logs", "n", "");
  await judge([join(vectors, "accept-250.forwarder.bin")], "logs", "n");
  await expect(
    openSent([join(vectors, "accept-250.forwarder.bin"), join(directory, "absent")]),
  ).rejects.toThrow();
  expect(await readdir(join(directory, "tmp"))).toEqual([]);
});

function object(machine: string): Uint8Array {
  return encodeTraceObject({
    human: undefined,
    machine,
    namespace: ["A.B"],
    severity: "Info",
    details: "DNormal",
    timestamp: { seconds: 1, picoseconds: 0 },
    host: "h",
    thread: "1",
  });
}

/** A conversation in a recording: the node opened the connection, and its name may come late. */
class Conversation {
  #sent = 0;
  readonly #writer: RecordingWriter;
  readonly #connection: number;

  constructor(writer: RecordingWriter, connection: number) {
    this.#writer = writer;
    this.#connection = connection;
    writer.opened({ connection, opener: "node", listener: "tracer" });
    const request = encodeSegments(
      "listener",
      miniProtocols.metrics,
      encodeMetricsRequest({ kind: "all" }),
      0,
    );
    writer.bytes(connection, "listener", 0, request);
  }

  #say(miniProtocol: 2 | 3, message: Uint8Array): void {
    const bytes = encodeSegments("opener", miniProtocol, message, 0);
    this.#writer.bytes(this.#connection, "opener", this.#sent, bytes);
    this.#sent += bytes.length;
  }

  objects(...texts: string[]): this {
    this.#say(miniProtocols.traceObjects, encodeTraceReply(texts.map(object)));
    return this;
  }

  /** Data points other than its name. */
  startup(): this {
    this.#say(miniProtocols.dataPoints, encodeDataPointsReply([["NodeStartupInfo", Buffer.from("{}")]]));
    return this;
  }

  name(name: string): this {
    const info = Buffer.from(JSON.stringify({ niName: name }));
    this.#say(miniProtocols.dataPoints, encodeDataPointsReply([["NodeInfo", info]]));
    return this;
  }
}

async function record(fill: (writer: RecordingWriter) => void, maxBytes?: number): Promise<string> {
  const path = join(directory, "traffic.rec");
  const limit = maxBytes === undefined ? {} : { maxBytes, blockBytes: 1 };
  const writer = await RecordingWriter.open({ path, onTrouble: (text) => expect(text).toBe(""), ...limit });
  fill(writer);
  await writer.stop();
  return path;
}

test("nodes in a recording are identified by their names, whenever those arrive, and a node that came back is one", async () => {
  const path = await record((writer) => {
    const first = new Conversation(writer, 1).objects('{"n":1}').name("one");
    const second = new Conversation(writer, 2).name('"two"').objects('{"n":10}');
    first.objects('{"n":2}', "pretty\nprinted");
    writer.closed(1);
    new Conversation(writer, 3).name("one").objects('{"n":3}');
    second.objects('{"n":11}');
    new Conversation(writer, 4).objects('{"n":20}');
  });
  await log("logs", "one", '{"n":1}\n{"n":2}\npretty printed\n{"n":3}\n');
  await log("logs", "two", '{"n":10}\n{"n":11}\n');
  await log("logs", "traffic.rec-connection-4", '{"n":20}\n');
  expect(await judge([path], "logs")).toMatchObject({ ok: true });
});

test("a node keeps its name when it later answers with other data points", async () => {
  const path = await record((writer) =>
    new Conversation(writer, 1).name("one").objects('{"n":1}').startup().objects('{"n":2}'),
  );
  await log("logs", "one", '{"n":1}\n{"n":2}\n');
  expect(await judge([path], "logs")).toMatchObject({ ok: true });
});

test("all parts of a recording are read as one", async () => {
  const path = await record((writer) => {
    const conversation = new Conversation(writer, 1).name("one");
    for (let n = 0; n < 50; n += 1) conversation.objects(`{"n":${n}}`);
  }, 1_000);
  expect((await readdir(directory)).filter((name) => name.startsWith("traffic.rec")).length).toBeGreaterThan(
    3,
  );
  await log("logs", "one", Array.from({ length: 50 }, (_, n) => `{"n":${n}}\n`).join(""));
  expect(await judge([path], "logs")).toMatchObject({ ok: true, nodes: [{ sent: 50 }] });
});

test("all parts of a recording are read, however its path is written", async () => {
  await record((writer) => {
    const conversation = new Conversation(writer, 1).name("one");
    for (let n = 0; n < 50; n += 1) conversation.objects(`{"n":${n}}`);
  }, 1_000);
  await log("logs", "one", Array.from({ length: 50 }, (_, n) => `{"n":${n}}\n`).join(""));
  expect(await judge([`${directory}/./traffic.rec`], "logs")).toMatchObject({
    ok: true,
    nodes: [{ sent: 50 }],
  });
});

test("the torn end of a recording is remarked on, and the rest is compared", async () => {
  const path = await record((writer) => new Conversation(writer, 1).name("one").objects('{"n":1}'));
  const bytes = await readFile(path);
  await writeFile(path, Buffer.concat([bytes, bytes.subarray(16, 40)]));
  await log("logs", "one", '{"n":1}\n');
  const verdict = await judge([path], "logs");
  expect(verdict.ok).toBe(true);
  expect(verdict.remarks).toEqual([expect.stringContaining("torn")]);
});

test("log directories, one node's directory and files of lines can all say what was sent", async () => {
  await log("logs", "n", '{"n":1}\n{"n":2}\n');
  const log1 = await log("sent", "n", '\n{"n":1}\n{"n":2}');
  const lines = join(directory, "n.jsonl");
  await writeFile(lines, '{"n":1}\n{"n":2}\n');
  for (const path of [join(directory, "sent"), join(directory, "sent", "n"), log1, lines])
    expect(await judge([path], "logs")).toMatchObject({ ok: true, nodes: [{ node: "n", sent: 2 }] });
});

test("several files of one node are one run, in the given order", async () => {
  await log("logs", "n", '{"n":1}\n{"n":2}\n');
  for (const n of [1, 2]) await writeFile(join(directory, `part-${n}`), `{"n":${n}}\n`);
  const parts = [join(directory, "part-1"), join(directory, "part-2")];
  expect(await judge(parts, "logs", "n")).toMatchObject({ ok: true });
  expect(await judge(parts.toReversed(), "logs", "n")).toMatchObject({
    ok: false,
    nodes: [{ disordered: 1 }],
  });
});

test("a node found in two recordings is refused, because its order is unknown", async () => {
  const stream = join(vectors, "accept-250.forwarder.bin");
  await expect(openSent([stream, stream], { name: "n" })).rejects.toThrow(/n is in two/);
});

test("the account of simulated nodes is compared by the numbers in their lines", async () => {
  const account = join(directory, "account.json");
  const nodes = [{ name: "n", objectsSent: 5, thrownAway: 0 }];
  await writeFile(account, JSON.stringify({ seconds: 1, nodes, total: {} }));
  const line = (n: number, host = "n") =>
    JSON.stringify({ at: "now", data: { seq: String(n).padStart(12, "0") }, host });
  await log("logs", "n", [0, 1, 2, 3, 4].map((n) => `${line(n)}\n`).join(""));
  expect(await judge([account], "logs")).toMatchObject({ ok: true, nodes: [{ sent: 5, found: 5 }] });
  const bad = [line(0), line(2), line(2), line(1).slice(0, -9), line(3, "other"), '{"seq":"000000000004"}'];
  await log("bad", "n", `${bad.join("\n")}\n`);
  const verdict = await judge([account], "bad");
  expect(verdict).toMatchObject({
    ok: false,
    nodes: [{ lost: 2, doubled: 1, torn: 1, foreign: 1, disordered: 0 }],
  });
  // For numbered lines the places give the numbers, which start at 0.
  const lost = verdict.nodes[0]!.places.filter(({ defect }) => defect === "lost");
  expect(lost.map(({ sent }) => sent)).toEqual([
    { first: 1, count: 1 },
    { first: 3, count: 1 },
  ]);
});

test("objects that a simulated node dropped itself are remarked on", async () => {
  const account = join(directory, "account.json");
  await writeFile(account, JSON.stringify({ nodes: [{ name: "n", objectsSent: 1, thrownAway: 2 }] }));
  await log("logs", "n", '{"seq":"000000000002"}\n');
  const verdict = await judge([account], "logs");
  expect(verdict.nodes).toMatchObject([{ sent: 3, lost: 2 }]);
  expect(verdict.remarks).toEqual([expect.stringContaining("n dropped 2 objects")]);
});

test("copies of recorded nodes are expected under numbered names, each with everything that was sent", async () => {
  const path = await record((writer) => {
    new Conversation(writer, 1).name("one").objects('{"n":1}', '{"n":2}');
  });
  for (const node of ["one-1", "one-2", "one-3"]) await log("logs", node, '{"n":1}\n{"n":2}\n');
  expect(await judge([path], "logs", undefined, 3)).toMatchObject({ ok: true });
  const { ok, nodes } = await judge([path], "logs", undefined, 4);
  expect(ok).toBe(false);
  expect(nodes.filter(({ lost }) => lost > 0)).toMatchObject([{ node: "one-4", hasLog: false, lost: 2 }]);
});

test("copies of the nodes of a log are expected the same way", async () => {
  await log("sent", "n", '{"n":1}\n');
  for (const node of ["n-1", "n-2"]) await log("logs", node, '{"n":1}\n');
  expect(await judge([join(directory, "sent")], "logs", undefined, 2)).toMatchObject({ ok: true });
});

test("accounts name each node, so copies of them are refused", async () => {
  const account = join(directory, "account.json");
  await writeFile(account, JSON.stringify({ nodes: [{ name: "n", objectsSent: 1, thrownAway: 0 }] }));
  await expect(openSent([account], { copies: 2 })).rejects.toThrow(/no copies/);
});

test.each([
  { what: "a text", name: "notes.txt", content: "Once upon a time\nthere was a node.\n" },
  { what: "an empty file", name: "empty.json", content: "" },
  { what: "bytes that no forwarder sent", name: "other.bin", content: "these are no segments" },
  { what: "a compressed text", name: "notes.gz", content: gzipSync("Once upon a time\n") },
])("$what holds no trace objects, and is refused", async ({ name, content }) => {
  const file = join(directory, name);
  await writeFile(file, content);
  await expect(openSent([file])).rejects.toMatchObject({ code: "no-trace-objects" });
  await expect(openTracks([file])).rejects.toMatchObject({ code: "no-trace-objects" });
  expect(await readdir(join(directory, "tmp"))).toEqual([]);
});

test("a recording in which no node sent an object is refused", async () => {
  const path = await record((writer) => new Conversation(writer, 1).name("one"));
  await expect(openSent([path])).rejects.toThrow(`${path} holds no trace objects`);
  await expect(openTracks([path])).rejects.toThrow(`${path} holds no trace objects`);
});
