import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addReplayCommand } from "../../src/commands/replay.js";
import { magic, SimpleAcceptor } from "../recording/simple-acceptor.js";
import { captureOutput } from "./captured-output.js";

const printed = captureOutput();

let directory: string;
let server: Server;
let sockets: Socket[];
let acceptors: SimpleAcceptor[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-replay-command-"));
  sockets = [];
  acceptors = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    const acceptor = new SimpleAcceptor(socket, "listener");
    sockets.push(socket);
    acceptors.push(acceptor);
    void acceptor.ended();
  });
  server.listen(path("tracer.sock"));
  await once(server, "listening");
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await rm(directory, { recursive: true });
});

function path(name: string): string {
  return join(directory, name);
}

async function run(...flags: string[]): Promise<typeof process.exitCode> {
  const program = new Command().exitOverride();
  addReplayCommand(program);
  await program.parseAsync(["node", "muninn", "replay", ...flags]);
  return process.exitCode;
}

const lines = Array.from({ length: 5 }, (_, second) => `{"at":"2026-02-16T09:30:0${second}Z","n":${second}}`);

function towardsTracer(...flags: string[]): string[] {
  return ["--connect", path("tracer.sock"), "--magic", String(magic), "--speed", "max", ...flags];
}

test.each([
  { flags: [], sent: [0, 1, 2, 3, 4] },
  { flags: ["--from", "2"], sent: [2, 3, 4] },
  { flags: ["--to", "2026-02-16T09:30:02Z"], sent: [0, 1] },
  { flags: ["--from", "2026-02-16T09:30:01Z", "--to", "3"], sent: [1, 2] },
  { flags: ["--from", "4", "--loop", "3"], sent: [4, 4, 4] },
])("$flags replays the lines $sent, and the report counts them", async ({ flags, sent }) => {
  await writeFile(path("n.json"), lines.map((line) => `${line}\n`).join(""));
  expect(await run(path("n.json"), ...towardsTracer("--json", ...flags))).toBe(0);
  expect(acceptors).toHaveLength(1);
  const { objects, name } = acceptors[0]!;
  expect(name).toBe("n");
  expect(objects).toHaveLength(sent.length);
  for (const [at, second] of sent.entries()) expect(objects[at]!.includes(lines[second]!)).toBe(true);
  expect(JSON.parse(printed.out)).toMatchObject({
    nodes: [{ name: "n", objectsSent: sent.length, refusals: 0 }],
    remarks: [],
  });
});

test("--name is the name that the node gives, and that of its row in the report", async () => {
  await writeFile(path("n.json"), `${lines[0]}\n`);
  expect(await run(path("n.json"), ...towardsTracer("--name", "other"))).toBe(0);
  expect(acceptors[0]!.name).toBe("other");
  expect(printed.out).toMatch(/^other: 1 objects/);
});

test("a signal ends an endless loop", async () => {
  await writeFile(path("n.json"), `${lines[0]}\n`);
  const over = run(path("n.json"), ...towardsTracer("--loop"));
  await vi.waitFor(() => expect(acceptors[0]?.objects.length).toBeGreaterThan(3), { timeout: 20_000 });
  process.emit("SIGINT");
  expect(await over).toBe(0);
  expect(printed.out).toMatch(/^n: \d+ objects/);
});

test("a tracer of another network gives exit code 1 and the reason", async () => {
  await writeFile(path("n.json"), `${lines[0]}\n`);
  expect(await run(path("n.json"), "--connect", path("tracer.sock"), "--magic", "7")).toBe(1);
  expect(printed.err).toMatch(/^n: .*refused/);
});

test.each([
  { what: "a missing file", flags: () => [path("absent"), ...towardsTracer()], reason: /ENOENT/ },
  { what: "a directory without logs", flags: () => [directory, ...towardsTracer()], reason: /no node/ },
])("$what gives exit code 2", async ({ flags, reason }) => {
  expect(await run(...flags())).toBe(2);
  expect(printed.err).toMatch(reason);
});

test.each([
  { what: "neither --connect nor --listen", flags: [], reason: /either/ },
  { what: "both", flags: ["--connect", "a", "--listen", "b"], reason: /either/ },
  { what: "a speed of nothing", flags: ["--connect", "a", "--speed", "0"], reason: /above 0/ },
  { what: "an invalid time", flags: ["--connect", "a", "--from", "yesterday"], reason: /ISO 8601/ },
])("$what is a usage error", async ({ flags, reason }) => {
  await expect(run("what", ...flags)).rejects.toThrow(reason);
});

test("nodes that listen on port 0 get a free port each, and the command reports it", async () => {
  await writeFile(path("n.json"), `${lines[0]}\n`);
  const flags = ["--listen", "127.0.0.1:0", "--nodes", "3", "--speed", "max"];
  const over = run(path("n.json"), ...flags);
  await vi.waitFor(() => expect(printed.err.split("\n")).toHaveLength(4), { timeout: 20_000 });
  process.emit("SIGINT");
  expect(await over).toBe(0);
  const places = [...printed.err.matchAll(/^(n-\d) listens at 127\.0\.0\.1:(\d+)$/gm)];
  expect(places.map(([, name]) => name)).toEqual(["n-1", "n-2", "n-3"]);
  const ports = places.map(([, , port]) => Number(port));
  expect(new Set(ports).size).toBe(3);
  expect(Math.min(...ports)).toBeGreaterThan(1_023);
});

test("a directory that had to be created for the socket is reported", async () => {
  await writeFile(path("n.json"), `${lines[0]}\n`);
  const over = run(path("n.json"), "--listen", path("new/n.sock"));
  await vi.waitFor(() => expect(printed.err).toContain("listens at"), { timeout: 20_000 });
  process.emit("SIGINT");
  expect(await over).toBe(0);
  expect(printed.err).toContain(`directory ${path("new")} was missing and has been created\n`);
});

test("a file without trace objects is refused by name", async () => {
  await writeFile(path("notes.txt"), "Once upon a time\n");
  expect(await run(path("notes.txt"), ...towardsTracer())).toBe(2);
  expect(printed.err).toBe(`muninn replay: ${path("notes.txt")} holds no trace objects\n`);
});

test("an error in Muninn itself does not become exit code 2: it is thrown with its stack", async () => {
  await writeFile(path("n.json"), lines.map((line) => `${line}\n`).join(""));
  vi.spyOn(Buffer.prototype, "indexOf").mockImplementation(() => {
    throw new TypeError("a bug");
  });
  await expect(run(path("n.json"), ...towardsTracer())).rejects.toThrow("a bug");
  expect(printed.err).toBe("");
});
