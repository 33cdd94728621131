import { randomBytes } from "node:crypto";
import dns from "node:dns";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addRecordCommand } from "../../src/commands/record.js";
import { RecordingWriter } from "../../src/recording/recording-writer.js";
import { captureOutput } from "./captured-output.js";

const printed = captureOutput();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-record-command-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function run(...flags: string[]): Promise<typeof process.exitCode> {
  const program = new Command();
  addRecordCommand(program);
  await program.parseAsync(["node", "muninn", "record", ...flags]);
  return process.exitCode;
}

function path(name: string): string {
  return join(directory, name);
}

test("a recording runs until a signal ends it, logs its progress, and reports what it holds", async () => {
  const tracer = createServer({ allowHalfOpen: true }, (socket) => socket.end("answer"));
  tracer.listen(path("tracer.sock"));
  await once(tracer, "listening");
  const flags = [
    "--listen",
    path("recorder.sock"),
    "--connect",
    path("tracer.sock"),
    "-o",
    path("traffic.rec"),
  ];
  const over = run(...flags, "--json");
  await vi.waitFor(() => expect(printed.err).toContain("listening at"), { timeout: 20_000 });
  const node = connect(path("recorder.sock"));
  node.end("question");
  node.resume();
  await once(node, "close");
  await vi.waitFor(() => expect(printed.err).toContain("are disconnected"), { timeout: 20_000 });
  process.emit("SIGTERM");
  expect(await over).toBe(0);
  tracer.close();
  expect(JSON.parse(printed.out)).toEqual({
    complete: true,
    connections: 1,
    connectionsNow: 0,
    bytesFromOpeners: 8,
    bytesFromListeners: 6,
    files: [path("traffic.rec")],
    bytesWritten: (await readFile(path("traffic.rec"))).length,
    bytesMissing: 0,
  });
  expect(process.listeners("SIGTERM").length + process.listeners("SIGINT").length).toBe(signalListeners);
});

const signalListeners = process.listeners("SIGTERM").length + process.listeners("SIGINT").length;

test.each([
  {
    what: "a recording that exists",
    flags: ["--listen", "r.sock", "--connect", "t.sock", "-o", "there"],
    reason: /exists/,
  },
  {
    what: "fewer --connect than --listen",
    flags: ["--listen", "a.sock", "b.sock", "--connect", "t.sock", "-o", "new"],
    reason: /as many/,
  },
  {
    what: "an address without a host",
    flags: ["--listen", ":1", "--connect", "t.sock", "-o", "new"],
    reason: /no host/,
  },
  {
    what: "a file at a listener's address",
    flags: ["--listen", "there", "--connect", "t.sock", "-o", "new"],
    reason: /not a socket/,
  },
])("$what gives exit code 2, and nothing is overwritten", async ({ flags, reason }) => {
  await writeFile(path("there"), "precious");
  const inDirectory = flags.map((flag) => (flag.startsWith("-") || flag.startsWith(":") ? flag : path(flag)));
  expect(await run(...inDirectory)).toBe(2);
  expect(printed.err).toMatch(reason);
  expect(await readFile(path("there"), "utf8")).toBe("precious");
  expect(await readdir(directory)).toEqual(["there"]);
});

test("--max-bytes begins new files, and --max-files keeps the newest of them", async () => {
  const tracer = createServer((socket) => socket.resume()).listen(path("tracer.sock"));
  await once(tracer, "listening");
  const over = run(
    ...["--listen", path("r.sock"), "--connect", path("tracer.sock"), "-o", path("traffic.rec")],
    ...["--max-bytes", "400", "--max-files", "2"],
  );
  await vi.waitFor(() => expect(printed.err).toContain("listening at"), { timeout: 20_000 });
  const node = connect(path("r.sock"));
  const parts = async () => (await readdir(directory)).filter((name) => name.startsWith("traffic.rec"));
  const passOn = async () => {
    node.write(randomBytes(300));
    expect(await parts()).toContain("traffic.rec.4");
  };
  await vi.waitFor(passOn, { timeout: 20_000, interval: 300 });
  node.destroy();
  process.emit("SIGTERM");
  expect(await over).toBe(0);
  tracer.close();
  expect(await parts()).toHaveLength(2);
});

test("a directory that had to be created for the socket is reported", async () => {
  const over = run(
    "--listen",
    path("new/r.sock"),
    "--connect",
    path("tracer.sock"),
    "-o",
    path("traffic.rec"),
  );
  await vi.waitFor(() => expect(printed.err).toContain("listening at"), { timeout: 20_000 });
  process.emit("SIGTERM");
  expect(await over).toBe(0);
  expect(printed.err).toContain(`directory ${path("new")} was missing and has been created\n`);
});

test("an error names a target none of whose addresses can be reached, with the reason", async () => {
  // Nobody listens on a port that was just given back.
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  vi.spyOn(dns, "lookup").mockImplementation(((_name: string, _options: object, done: Found) =>
    done(null, [
      { address: "127.0.0.1", family: 4 },
      { address: "127.0.0.2", family: 4 },
    ])) as never);
  const over = run(
    "--listen",
    path("recorder.sock"),
    "--connect",
    `several.example:${port}`,
    "-o",
    path("t.rec"),
  );
  await vi.waitFor(() => expect(printed.err).toContain("listening at"), { timeout: 20_000 });
  const node = connect(path("recorder.sock"));
  node.on("error", () => {});
  node.resume();
  await once(node, "close");
  process.emit("SIGTERM");
  await over;
  expect(printed.err).toMatch(/refused: cannot connect to several\.example:\d+: connect ECONNREFUSED/);
});

type Found = (error: null, addresses: { address: string; family: number }[]) => void;

test("an error in Muninn itself does not become exit code 2: it is thrown with its stack", async () => {
  vi.spyOn(RecordingWriter, "open").mockRejectedValue(new TypeError("a bug"));
  const recording = run("--listen", path("r.sock"), "--connect", path("t.sock"), "-o", path("new"));
  await expect(recording).rejects.toThrow(TypeError);
  expect(printed.err).toBe("");
});
