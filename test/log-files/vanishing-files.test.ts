import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readLines } from "../../src/log-files/line-file.js";
import { findNodeLogs } from "../../src/log-files/node-logs.js";

// While logs are read, files come and go.
vi.mock("node:fs/promises", async (original) => {
  const module = await original<typeof import("node:fs/promises")>();
  return { ...module, stat: vi.fn(module.stat) };
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-logs-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const fault = (code: string) => Object.assign(new Error(code), { code, syscall: "stat" });

test("a file that retention has just removed is left out, and any other error is thrown", async () => {
  for (const second of [1, 2])
    await writeFile(join(directory, `node-2026-02-16T09-30-0${second}.json`), "{}\n");
  vi.mocked(stat).mockRejectedValueOnce(fault("ENOENT"));
  const [logs] = await findNodeLogs(directory);
  expect(logs).toMatchObject({ files: [join(directory, "node-2026-02-16T09-30-02.json")], bytes: 3 });
  vi.mocked(stat).mockRejectedValueOnce(fault("EACCES"));
  await expect(findNodeLogs(directory)).rejects.toThrow("EACCES");
});

test("a file that has been read, to its end or not, is closed", async () => {
  const file = join(directory, "lines");
  await writeFile(file, "a\n".repeat(2_000_000));
  const openFiles = async () => (await readdir("/proc/self/fd")).length;
  const before = await openFiles();
  for (let times = 0; times < 10; times += 1)
    for await (const _ of readLines(file)) if (times % 2 === 0) break;
  expect(await openFiles()).toBe(before);
});

test("a line longer than 64 MiB is read in pieces of that size", async () => {
  const file = join(directory, "line.gz");
  await writeFile(file, gzipSync(Buffer.alloc(65 * 2 ** 20, "x")));
  const lengths: number[] = [];
  for await (const { starts, ends } of readLines(file)) lengths.push(ends[0]! - starts[0]!);
  expect(lengths).toEqual([64 * 2 ** 20, 2 ** 20]);
});
