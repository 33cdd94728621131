import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addDemoCommand } from "../../src/commands/demo.js";
import { captureOutput } from "./captured-output.js";

const printed = captureOutput();

/** How many objects each log is said to lack. */
const lost = vi.hoisted(() => ({ objects: 0 }));
vi.mock("../../src/tracer-readings.js", async (original) => {
  const real = await original<typeof import("../../src/tracer-readings.js")>();
  const totalsReading: typeof real.totalsReading = (router) =>
    real.totalsReading(router).map((totals) => ({ ...totals, written: totals.written - lost.objects }));
  return { ...real, totalsReading };
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-demo-"));
  lost.objects = 0;
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function run(...flags: string[]): Promise<typeof process.exitCode> {
  const program = new Command().exitOverride();
  addDemoCommand(program);
  await program.parseAsync(["node", "muninn", "demo", ...flags]);
  return process.exitCode;
}

test("the demo creates its directories and collects from three nodes until a signal", async () => {
  const over = run("--dir", join(directory, "a/b"));
  await vi.waitFor(() => expect(printed.out).toContain("Ctrl-C"), { timeout: 20_000 });
  const logs = join(directory, "a/b/logs");
  const found = async () => (await readdir(logs)).filter((name) => !name.startsWith("."));
  await vi.waitFor(async () => expect(await found()).toEqual(["producer", "relay-1", "relay-2"]), {
    timeout: 20_000,
  });
  process.emit("SIGINT");
  expect(await over).toBe(0);
  expect(printed.out).toMatch(/Sent \d+ trace objects to 2 logs each/);
  expect(printed.err).toBe("");
});

test("--rate is that of each node, and --seconds ends it", async () => {
  const flags = ["--dir", directory, "--rate", "200", "--seconds", "2"];
  expect(await run(...flags)).toBe(0);
  const [, sent] = /Sent (\d+) trace objects/.exec(printed.out)!;
  expect(Number(sent)).toBeGreaterThan(3 * 20 * 2 * 2);
});

test("its page has another port if the usual one is in use", async () => {
  const other = createServer().listen(3_700, "127.0.0.1");
  // Another program of this machine may have it already, which is as good.
  await once(other, "listening").catch(() => {});
  expect(await run("--dir", directory, "--seconds", "0.5")).toBe(0);
  other.close();
  expect(printed.out).toMatch(/http:\/\/127\.0\.0\.1:(?!3700)\d+\//);
});

test("lines that did not all arrive give exit code 1", async () => {
  lost.objects = 1;
  expect(await run("--dir", directory, "--seconds", "1")).toBe(1);
});

test("a file at the path of its directory gives one sentence", async () => {
  const file = join(directory, "file");
  await writeFile(file, "precious");
  expect(await run("--dir", file)).toBe(2);
  expect(printed.err).toBe(`muninn demo: ${file} exists and is not a directory\n`);
});

test("a path too long for a socket gives one sentence", async () => {
  expect(await run("--dir", join(directory, "x".repeat(120)))).toBe(2);
  expect(printed.err).toMatch(/^muninn demo: .*107 bytes/s);
  expect(printed.err).not.toMatch(/^ +at /m);
});

test.skipIf(!existsSync("/proc/self"))(
  "the demo gives up at once on a directory that cannot be created",
  async () => {
    expect(await run("--dir", "/proc/muninn-demo")).toBe(2);
    expect(printed.err).toMatch(/^muninn demo: .*\/proc\/muninn-demo/);
  },
);
