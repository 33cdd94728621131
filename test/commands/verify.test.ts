import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addVerifyCommand } from "../../src/commands/verify.js";
import { captureOutput } from "./captured-output.js";

const printed = captureOutput();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-verify-command-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function lines(root: string, text: string, node = "n"): Promise<void> {
  await mkdir(join(directory, root, node), { recursive: true });
  await writeFile(join(directory, root, node, "node-2026-02-16T09-30-01.json"), text);
}

async function run(...flags: string[]): Promise<typeof process.exitCode> {
  const program = new Command();
  addVerifyCommand(program);
  await program.parseAsync(["node", "muninn", "verify", ...flags]);
  return process.exitCode;
}

function between(): string[] {
  return ["--sent", join(directory, "sent"), "--logs", join(directory, "logs")];
}

test("complete logs give exit code 0 and one line for each node", async () => {
  await lines("sent", '{"n":1}\n{"n":2}\n');
  await lines("logs", '{"n":1}\n{"n":2}\n');
  expect(await run(...between())).toBe(0);
  expect(printed.out).toBe("n: ok: 2 sent, 2 found\neverything is right\n");
  expect(printed.err).toBe("");
});

test("faulty logs give exit code 1 and the first places of each fault", async () => {
  await lines("sent", Array.from({ length: 9 }, (_, n) => `{"n":${n + 1}}\n`).join(""));
  await lines("logs", '{"n":1}\n{"n":4}\n{"n":4}\n{"n":6}\n{"n":5}\n{"n":7}\n{"n":8}\n{"n":9\n');
  expect(await run(...between(), "--places", "1")).toBe(1);
  const file = join(directory, "logs", "n", "node-2026-02-16T09-30-01.json");
  expect(printed.out.split("\n")).toEqual([
    "n: FAULTY: 9 sent, 8 found, 3 lost, 1 doubled, 1 disordered, 1 torn",
    `  lost       ${file}:2 objects 2 to 3 should be before this line`,
    "  lost       and 1 more",
    `  doubled    ${file}:3`,
    `  disordered ${file}:5`,
    `  torn       ${file}:8`,
    "faulty: 1 of 1 nodes",
    "",
  ]);
});

test("--json prints the verdict for programs", async () => {
  await lines("sent", '{"n":1}\n');
  await lines("logs", "");
  expect(await run(...between(), "--json")).toBe(1);
  expect(JSON.parse(printed.out)).toMatchObject({
    ok: false,
    nodes: [{ node: "n", sent: 1, found: 0, lost: 1 }],
  });
});

test.each([
  { what: "missing logs", prepare: () => lines("sent", "{}\n"), reason: /ENOENT/ },
  { what: "missing records of what was sent", prepare: () => lines("logs", "{}\n"), reason: /ENOENT/ },
  {
    what: "directories without a node",
    prepare: async () => {
      await mkdir(join(directory, "sent"));
      await mkdir(join(directory, "logs"));
    },
    reason: /no node/,
  },
])("$what give exit code 2", async ({ prepare, reason }) => {
  await prepare();
  expect(await run(...between())).toBe(2);
  expect(printed.err).toMatch(reason);
  expect(printed.out).toBe("");
});

test("all nodes without a log share one line, and so do all logs without a sender", async () => {
  await lines("sent", '{"n":1}\n{"n":2}\n');
  for (let copy = 1; copy <= 67; copy += 1) await lines("logs", '{"n":1}\n{"n":2}\n', `n-${copy}`);
  expect(await run(...between())).toBe(1);
  const logs = join(directory, "logs");
  expect(printed.out.split("\n")).toEqual([
    `FAULTY: no log of n below ${logs}: 2 lost`,
    `FAULTY: a log of 67 nodes (n-1, n-10, n-11, n-12, n-13 …) below ${logs}, nothing of which was sent: 134 lines`,
    "faulty: 68 of 68 nodes",
    "",
  ]);
});

test("a node that was asked for and is nowhere gives exit code 2 and its name", async () => {
  await lines("sent", '{"n":1}\n');
  await lines("logs", '{"n":1}\n');
  expect(await run(...between(), "--node", "n", "m")).toBe(2);
  expect(printed.err).toBe("muninn verify: m (--node) neither sent anything nor has a log\n");
});

test("--window says how far out of place a line may be", async () => {
  await lines("sent", [1, 2, 3, 4, 5].map((n) => `{"n":${n}}\n`).join(""));
  await lines("logs", [1, 3, 4, 5, 2].map((n) => `{"n":${n}}\n`).join(""));
  expect(await run(...between())).toBe(1);
  expect(printed.out).toContain("n: FAULTY: 5 sent, 5 found, 1 disordered\n");
  expect(await run(...between(), "--window", "1")).toBe(1);
  expect(printed.out).toContain("n: FAULTY: 5 sent, 5 found, 1 lost, 1 foreign\n");
});

test("--name names the node of a file that is named otherwise", async () => {
  await lines("logs", '{"n":1}\n');
  await writeFile(join(directory, "lines.jsonl"), '{"n":1}\n');
  const flags = ["--sent", join(directory, "lines.jsonl"), "--logs", join(directory, "logs"), "--name", "n"];
  expect(await run(...flags)).toBe(0);
});

test("--copies finds each copy of what was replayed with --nodes", async () => {
  await lines("sent", '{"n":1}\n{"n":2}\n');
  for (let copy = 1; copy <= 3; copy += 1) await lines("logs", '{"n":1}\n{"n":2}\n', `n-${copy}`);
  expect(await run(...between(), "--copies", "3")).toBe(0);
  expect(printed.out.split("\n").slice(0, 3)).toEqual(
    [1, 2, 3].map((copy) => `n-${copy}: ok: 2 sent, 2 found`),
  );
});

test("a compressed log counts with the lines in it, and a damaged one is named", async () => {
  await lines("sent", '{"n":1}\n{"n":2}\n');
  await mkdir(join(directory, "logs", "n"), { recursive: true });
  const file = join(directory, "logs", "n", "node-2026-02-16T09-30-01.json.gz");
  const compressed = gzipSync('{"n":1}\n{"n":2}\n');
  await writeFile(file, compressed);
  expect(await run(...between())).toBe(0);
  await writeFile(file, compressed.subarray(0, -9));
  expect(await run(...between())).toBe(2);
  expect(printed.err).toContain(`muninn verify: ${file} is damaged or cut off`);
});

test("an error in Muninn itself does not become exit code 2: it is thrown with its stack", async () => {
  await lines("sent", "{}\n");
  await lines("logs", "{}\n");
  vi.spyOn(JSON, "stringify").mockImplementation(() => {
    throw new TypeError("a bug");
  });
  await expect(run(...between(), "--json")).rejects.toThrow(TypeError);
  expect(printed.err).toBe("");
});
