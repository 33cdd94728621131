import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { kernelFileSystem } from "../../src/registry/file-system.js";
import { quickLook } from "../../src/registry/quick-look.js";
import {
  allText,
  fileNames,
  lines,
  nameAfter,
  startName,
  temporaryDirectory,
  testRegistry,
  textOf,
} from "./test-registry.js";

const ext4 = 0xef53;
const nfs = 0x6969;
const fuse = 0x6573_5546;

// This machine's file systems do not matter: the test sets the answer for each path, by default ext4.
const types = new Map<string, number | Error>();
vi.mock("node:fs/promises", async (importOriginal) => {
  const actual = await importOriginal<typeof import("node:fs/promises")>();
  const answer = vi.fn(async (path: string) => {
    const type = types.get(path) ?? 0xef53;
    if (type instanceof Error) throw type;
    return { type };
  });
  return { ...actual, statfs: answer };
});

const asked = vi.mocked(statfs);
beforeEach(() => {
  types.clear();
  asked.mockClear();
});

/** A registry on the kernel's file system, whose threads are never asked about a name while lines are written. */
async function quickRegistry() {
  const lstat = vi.spyOn(kernelFileSystem, "lstat");
  const made = await testRegistry({ fileSystem: kernelFileSystem });
  made.registry.acquire(made.log("a"));
  await made.registry.append(made.log("a"), lines("1"));
  return { ...made, lstat };
}

test("on a local file system names are looked up without the thread pool", async () => {
  const { registry, log, lstat } = await quickRegistry();
  lstat.mockClear();
  await registry.append(log("a"), lines("2"));
  await registry.append(log("a"), lines("3"));
  expect(lstat).not.toHaveBeenCalled();
  expect(textOf(log("a"), startName)).toBe("1\n2\n3\n");
});

test("elsewhere names are looked up by the thread pool", async () => {
  const root = temporaryDirectory();
  types.set(root, nfs);
  const lstat = vi.spyOn(kernelFileSystem, "lstat");
  const { registry, log } = await testRegistry({ roots: [root], fileSystem: kernelFileSystem });
  await registry.append(log("a"), lines("1"));
  lstat.mockClear();
  await registry.append(log("a"), lines("2"));
  expect(lstat.mock.calls).toEqual([[join(root, "a", startName)]]);
});

test("a deleted current file is noticed: the line is written again", async () => {
  const { registry, log, root, events } = await quickRegistry();
  unlinkSync(join(root, "a", startName));
  await registry.append(log("a"), lines("2"));
  expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
  expect(events).toEqual([["vanished", join(root, "a", startName), "deleted"]]);
});

test("a current file renamed and replaced is noticed: the other file is not touched", async () => {
  const { registry, log, root, events } = await quickRegistry();
  renameSync(join(root, "a", startName), join(root, "a", "kept"));
  writeFileSync(join(root, "a", startName), "stranger\n");
  await registry.append(log("a"), lines("2"));
  await registry.append(log("a"), lines("3"));
  expect(textOf(log("a"), "kept")).toBe("1\n2\n");
  expect(textOf(log("a"), startName)).toBe("stranger\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("3\n");
  expect(events).toEqual([["vanished", join(root, "a", startName), "renamed"]]);
});

test("a current file replaced by a link to itself elsewhere is noticed", async () => {
  const { registry, log, root } = await quickRegistry();
  renameSync(join(root, "a", startName), join(root, "a", "kept"));
  symlinkSync("kept", join(root, "a", startName));
  await registry.append(log("a"), lines("2"));
  await registry.append(log("a"), lines("3"));
  expect(textOf(log("a"), "kept")).toBe("1\n2\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("3\n");
});

test("a node's deleted directory is noticed and created again", async () => {
  const { registry, log, root } = await quickRegistry();
  rmSync(join(root, "a"), { recursive: true });
  await registry.append(log("a"), lines("2"));
  expect(allText(log("a"))).toBe("2\n");
});

test("bytes that others wrote to the current file count for its size", async () => {
  const rotation = { frequencyMs: 60_000, limitBytes: 100, maxAgeMs: 1e12, keepFiles: 10 };
  const { registry, clock, log, root } = await testRegistry({ fileSystem: kernelFileSystem, rotation });
  await registry.append(log("a"), lines("1"));
  writeFileSync(join(root, "a", startName), `${"x".repeat(100)}\n`, { flag: "a" });
  clock.advance(1_000);
  await registry.append(log("a"), lines("2"));
  await registry.append(log("a"), lines("3"));
  expect(fileNames(log("a"))).toEqual([startName, nameAfter(1)]);
  expect(textOf(log("a"), nameAfter(1))).toBe("3\n");
});

test("every file system on the path to a root is checked", async () => {
  const root = join(temporaryDirectory(), "volume", "logs");
  mkdirSync(root, { recursive: true });
  expect(await quickLook(root)).toBeDefined();
  expect(asked.mock.calls.map(([path]) => path)).toEqual([root, ...above(root)]);
});

test.each([
  ["NFS", nfs],
  ["FUSE", fuse],
  ["one that does not answer", Object.assign(new Error("ENOSYS"), { code: "ENOSYS" })],
])("a root below %s has no quick look, whatever its own file system", async (_, type) => {
  const root = join(temporaryDirectory(), "volume", "logs");
  mkdirSync(root, { recursive: true });
  for (const directory of [root, ...above(root)]) {
    types.set(directory, type);
    expect(await quickLook(root)).toBeUndefined();
    types.set(directory, ext4);
  }
  expect(await quickLook(root)).toBeDefined();
});

test.each([0o770, 0o702, 0o1777])(
  "a root with mode %o, where others may put links, has no quick look",
  async (mode) => {
    const root = temporaryDirectory();
    chmodSync(root, mode);
    expect(await quickLook(root)).toBeUndefined();
    chmodSync(root, 0o755);
    expect(await quickLook(root)).toBeDefined();
  },
);

function above(path: string): string[] {
  const directory = dirname(path);
  return directory === path ? [] : [directory, ...above(directory)];
}
