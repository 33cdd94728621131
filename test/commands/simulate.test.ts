import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addSimulateCommand } from "../../src/commands/simulate.js";
import { answerProposal, encodeProposal } from "../../src/protocol/handshake.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { startTracer, type TestTracer } from "../../src/testing/test-tracer.js";
import { formatAddress } from "../../src/transport/address.js";
import { captureOutput } from "./captured-output.js";

const printed = captureOutput();

const magic = 42;

let tracer: TestTracer;
beforeEach(async () => {
  tracer = await startTracer({ config: { networkMagic: magic } });
});
afterEach(async () => {
  await tracer[Symbol.asyncDispose]();
});

async function run(...flags: string[]): Promise<typeof process.exitCode> {
  const program = new Command().exitOverride();
  addSimulateCommand(program);
  await program.parseAsync(["node", "muninn", "simulate", ...flags]);
  return process.exitCode;
}

function towardsTracer(...flags: string[]): string[] {
  return ["--connect", formatAddress(tracer.address), "--magic", String(magic), ...flags];
}

test("each node sends its number of objects, and the account says so", async () => {
  expect(await run(...towardsTracer("--nodes", "3", "--count", "250", "--json"))).toBe(0);
  const { nodes, total } = JSON.parse(printed.out);
  expect(nodes.map(({ name, complete }: { name: string; complete: boolean }) => [name, complete])).toEqual([
    ["node-1", true],
    ["node-2", true],
    ["node-3", true],
  ]);
  expect(total.objectsSent).toBe(750);
  await tracer.stop();
  expect(await tracer.linesOf("node-2")).toHaveLength(250);
});

test("lines have exactly the requested size", async () => {
  expect(await run(...towardsTracer("--count", "10", "--size", "500", "--name", "sized"))).toBe(0);
  expect(printed.out).toMatch(/^sized: .*sent 10 .*\ntotal: /);
  await tracer.stop();
  const lines = await tracer.linesOf("sized");
  expect(lines.map((line) => Buffer.byteLength(line))).toEqual(Array.from({ length: 10 }, () => 500));
});

test("a tracer of another network gives exit code 1 and the reason", async () => {
  expect(await run(...towardsTracer("--nodes", "2", "--count", "10", "--magic", "7"))).toBe(1);
  expect(printed.err).toMatch(/^node-\d: .*refused/);
  expect(tracer.accounts().received).toBe(0);
});

test("the reason of a tracer that refuses is printed even if it keeps the connection open for a while", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-simulate-"));
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      const { answer } = answerProposal(encodeProposal(7), magic);
      socket.write(encodeSegments("listener", miniProtocols.handshake, answer, 0));
    });
    // Like cardano-tracer, which closes a moment after it has refused: here, when the node does.
    socket.once("end", () => socket.end());
  });
  server.listen(join(directory, "tracer.sock"));
  await once(server, "listening");
  expect(await run("--connect", join(directory, "tracer.sock"), "--count", "1")).toBe(1);
  expect(printed.err).toMatch(/^node: the peer refused: the tracer has magic \d+, this forwarder \d+/);
  expect(sockets).toHaveLength(1);
  server.close();
  await rm(directory, { recursive: true });
});

test("--linger keeps the connection open after the tracer has ended its side", async () => {
  const over = run(...towardsTracer("--linger", "700"));
  await vi.waitFor(() => expect(tracer.accounts().written).toBeGreaterThan(0), { timeout: 20_000 });
  const begun = performance.now();
  await tracer.stop();
  expect(performance.now() - begun).toBeGreaterThan(600);
  process.emit("SIGINT");
  expect(await over).toBe(0);
});

test("--human gives every object a text, and --metrics each node so many metrics", async () => {
  const logRoot = await mkdtemp(join(tmpdir(), "muninn-simulate-"));
  await using other = await startTracer({
    config: {
      networkMagic: magic,
      hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
      logging: [{ logRoot, logMode: "FileMode", logFormat: "ForHuman" }],
    },
  });
  const flags = ["--connect", formatAddress(other.address), "--magic", String(magic), "--name", "one"];
  const over = run(...flags, "--rate", "50", "--human", "--metrics", "2");
  const page = async () => (await fetch(`http://${other.served.get("prometheus")}/one`)).text();
  await vi.waitFor(async () => expect(await page()).toContain("slotNum"), { timeout: 20_000 });
  expect(await page()).not.toContain("density");
  // A text may have several lines; only the first begins with a bracket.
  const count = async (form: RegExp) =>
    (await readFile(join(logRoot, "one/node.log"), "utf8")).match(form)?.length ?? 0;
  await vi.waitFor(async () => expect(await count(/^\[/gm)).toBeGreaterThan(20), { timeout: 20_000 });
  process.emit("SIGINT");
  expect(await over).toBe(0);
  await other.stop();
  expect(await count(/\(\d{12}\)$/gm)).toBe(await count(/^\[/gm));
  await rm(logRoot, { recursive: true });
});

test("a directory that had to be created for the socket is reported", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-simulate-"));
  const over = run("--listen", join(directory, "new/node.sock"));
  await vi.waitFor(() => expect(printed.err).toContain("listens at"), { timeout: 20_000 });
  process.emit("SIGINT");
  expect(await over).toBe(0);
  expect(printed.err).toContain(`directory ${join(directory, "new")} was missing and has been created\n`);
  await rm(directory, { recursive: true });
});

test("an absent tracer is named once and retried until a signal", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-simulate-"));
  const absent = join(directory, "absent.sock");
  const over = run("--connect", absent, "--nodes", "5", "--count", "10");
  await vi.waitFor(() => expect(printed.err).not.toBe(""), { timeout: 20_000 });
  process.emit("SIGINT");
  expect(await over).toBe(1);
  expect(printed.err).toBe(`node-1: cannot connect to ${absent}, retrying: connect ENOENT ${absent}\n`);
  await rm(directory, { recursive: true });
});

test.each([
  { what: "neither --connect nor --listen", flags: [], reason: /either/ },
  { what: "both", flags: ["--connect", "a", "--listen", "b"], reason: /either/ },
  { what: "a queue without a rate", flags: ["--connect", "a", "--queue", "5"], reason: /--rate/ },
  { what: "no node at all", flags: ["--connect", "a", "--nodes", "0"], reason: /--nodes/ },
])("$what is a usage error", async ({ flags, reason }) => {
  await expect(run(...flags)).rejects.toThrow(reason);
});

test.each([
  { what: "a line too short for its number", flags: ["--size", "5"], reason: /--size must be at least/ },
  { what: "a magic beyond 32 bits", flags: ["--magic", "4294967296"], reason: /--magic must be at most/ },
])("$what gives exit code 2", async ({ flags, reason }) => {
  expect(await run(...towardsTracer("--count", "1", ...flags))).toBe(2);
  expect(printed.err).toMatch(reason);
});
