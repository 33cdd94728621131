import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addDemoCommand } from "../../src/commands/demo.js";
import { captureOutput } from "./captured-output.js";

const printed = captureOutput();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-demo-"));
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
