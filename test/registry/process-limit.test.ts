import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boundedFileSystem } from "../../src/registry/file-system.js";
import { Permits } from "../../src/registry/permits.js";
import {
  connectionsWithin,
  handlesWithin,
  operationsPerRoot,
  readOpenFilesLimit,
} from "../../src/registry/process-limit.js";
import { Gate, interposedFileSystem } from "./interposed-file-system.js";
import { eventually, settled, temporaryDirectory } from "./test-registry.js";

test("the limit is the soft limit of the process", () => {
  const shown = execFileSync("sh", [
    "-c",
    `sed -n 's/^Max open files *\\([a-z0-9]*\\).*/\\1/p' /proc/${process.pid}/limits`,
  ]);
  const soft = shown.toString().trim();
  expect(readOpenFilesLimit()).toBe(soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft));
});

test.each([
  {
    what: "a limit",
    text: "Max cpu time  unlimited  unlimited  seconds\nMax open files  64  4096  files\n",
    limit: 64,
  },
  {
    what: "no limit",
    text: "Max open files  unlimited  unlimited  files\n",
    limit: Number.POSITIVE_INFINITY,
  },
  {
    what: "another line with these words",
    text: "Not Max open files  64  64\n",
    limit: Number.POSITIVE_INFINITY,
  },
  { what: "nothing", text: "", limit: Number.POSITIVE_INFINITY },
])("if the system reports $what, the limit is $limit open files", ({ text, limit }) => {
  const path = join(temporaryDirectory(), "limits");
  writeFileSync(path, text);
  expect(readOpenFilesLimit(path)).toBe(limit);
});

test("if the system reports nothing, there is no limit", () => {
  expect(readOpenFilesLimit(join(temporaryDirectory(), "absent"))).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  { limit: 20_000, handles: 9_984 },
  { limit: 1_024, handles: 496 },
  { limit: 64, handles: 16 },
  { limit: 34, handles: 1 },
  { limit: 33, handles: 1 },
  { limit: 3, handles: 1 },
  { limit: Number.POSITIVE_INFINITY, handles: Number.POSITIVE_INFINITY },
])("of $limit open files $handles may be log files", ({ limit, handles }) => {
  expect(handlesWithin(limit)).toBe(handles);
});

test.each([
  { limit: 20_000, openFiles: 4_096, connections: 15_872 },
  { limit: 128, openFiles: 48, connections: 48 },
  { limit: 34, openFiles: 1, connections: 1 },
  { limit: 3, openFiles: 1, connections: 1 },
  { limit: Number.POSITIVE_INFINITY, openFiles: 16, connections: Number.POSITIVE_INFINITY },
])(
  "of $limit open files, $openFiles of them for logs, $connections may be connections",
  ({ limit, openFiles, connections }) => {
    expect(connectionsWithin(limit, openFiles)).toBe(connections);
  },
);

test.each([
  { roots: 1, threads: 32, operations: 8 },
  { roots: 3, threads: 32, operations: 8 },
  { roots: 4, threads: 32, operations: 6 },
  { roots: 24, threads: 32, operations: 1 },
  { roots: 100, threads: 32, operations: 1 },
  { roots: 1, threads: 4, operations: 3 },
  { roots: 1, threads: 1_024, operations: 8 },
])(
  "each of $roots roots has $operations concurrent operations on $threads threads",
  ({ roots, threads, operations }) => {
    expect(operationsPerRoot(roots, threads)).toBe(operations);
  },
);

test("calls beyond the limit wait in order for the running ones, even if these fail", async () => {
  const disk = interposedFileSystem();
  const gates = Array.from({ length: 5 }, () => new Gate());
  const begun: string[] = [];
  disk.rules.unlink = async (_, path) => {
    begun.push(path);
    await gates[Number(path)]!.pass();
    throw new Error("failed");
  };
  const bounded = boundedFileSystem(disk, 2);
  const calls = Promise.allSettled([0, 1, 2, 3, 4].map((i) => bounded.unlink(`${i}`)));
  await settled();
  expect(begun).toEqual(["0", "1"]);
  gates[1]!.open();
  await eventually(() => begun.length === 3);
  await settled();
  expect(begun).toEqual(["0", "1", "2"]);
  for (const gate of gates) gate.open();
  await calls;
  expect(begun).toEqual(["0", "1", "2", "3", "4"]);
});

test("permits go to waiting callers, first come first served, and never exceed their number", async () => {
  const permits = new Permits(2);
  const order: number[] = [];
  const takes = [0, 1, 2, 3].map((i) => permits.take().then(() => order.push(i)));
  await Promise.all(takes.slice(0, 2));
  await settled();
  expect(order).toEqual([0, 1]);
  expect(permits).toMatchObject({ taken: 2, waiting: 2 });
  permits.giveBack();
  await takes[2];
  expect(permits).toMatchObject({ taken: 2, waiting: 1 });
  for (let i = 0; i < 3; i += 1) permits.giveBack();
  await takes[3];
  expect(order).toEqual([0, 1, 2, 3]);
  expect(permits).toMatchObject({ taken: 0, waiting: 0 });
});
