import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Position } from "../../src/collect/position.js";
import { finishLines, logEnd } from "../../src/collect/unfinished-batch.js";
import type { HandleRegistry } from "../../src/registry/handle-registry.js";
import { openHandleRegistry } from "../../src/registry/open-handle-registry.js";

let root: string;
let registry: HandleRegistry;
const lines = Buffer.from("one\ntwo\nthree\n");
const log = () => ({ root, extension: "json" }) as const;
/** A registry that has written nothing there. */
const stranger = { endOf: async () => undefined };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "muninn-unfinished-"));
  await mkdir(join(root, "relay"));
});
afterEach(async () => {
  await registry.stop();
  await rm(root, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const nothing = () => {};
  registry = await openHandleRegistry({
    roots: [root],
    maxOpenFiles: 4,
    idleTimeoutMs: 0,
    durability: "os",
    observer: {
      faultBegan: nothing,
      faultOver: nothing,
      rotated: nothing,
      vanished: nothing,
      tornClosed: nothing,
      linkBlocked: nothing,
      expired: nothing,
      expiryFailed: nothing,
      workingSetTooLarge: nothing,
      filesFromFuture: nothing,
      diskReplaced: nothing,
      claimAwaited: nothing,
      claimsCrowded: nothing,
      directoriesUnguarded: nothing,
    },
  });
}

async function text(): Promise<string> {
  const names = (await readdir(join(root, "relay"))).filter((name) => name.startsWith("node-")).sort();
  return (await Promise.all(names.map((name) => readFile(join(root, "relay", name), "utf8")))).join("");
}

const old = "node-2026-01-01T00-00-00.json";
const newer = "node-2026-01-01T00-00-01.json";

test.each(Array.from({ length: lines.length + 1 }, (_, cut) => cut))(
  "lines are in the file once if %i bytes of them were written before the kill",
  async (cut) => {
    await writeFile(join(root, "relay", old), "one\n");
    const end = await logEnd(log(), "relay", stranger);
    expect(end).toMatchObject({ file: old, bytes: 4 });
    await writeFile(join(root, "relay", old), lines.subarray(0, cut), { flag: "a" });
    await start();
    expect(await finishLines(end, "relay", lines, registry)).toBe(cut);
    expect(await text()).toBe(`one\n${lines}`);
  },
);

test.each([0, 5, lines.length])(
  "lines are in the log once if %i bytes of them went to a new file before the kill",
  async (cut) => {
    await writeFile(join(root, "relay", old), "one\n");
    const end = await logEnd(log(), "relay", stranger);
    await writeFile(join(root, "relay", newer), lines.subarray(0, cut));
    await start();
    await finishLines(end, "relay", lines, registry);
    expect(await text()).toBe(`one\n${lines}`);
  },
);

test("the first lines of a node are in the log once if some were written before the kill", async () => {
  const end = await logEnd(log(), "relay", stranger);
  expect(end).toEqual({ ...log(), bytes: 0 });
  await writeFile(join(root, "relay", old), "one\nt");
  await start();
  await finishLines(end, "relay", lines, registry);
  expect(await text()).toBe(lines.toString());
});

test("bytes that somebody else wrote meanwhile are not mistaken for ours", async () => {
  const end = await logEnd(log(), "relay", stranger);
  await writeFile(join(root, "relay", old), "other\n");
  await start();
  expect(await finishLines(end, "relay", lines, registry)).toBe(0);
  expect(await text()).toBe(`other\n${lines}`);
});

describe("the end of a log that the registry has just written is the one that the directory shows,", () => {
  const current = async () => {
    const names = (await readdir(join(root, "relay"))).filter((name) => name.startsWith("node-")).sort();
    return join(root, "relay", names.at(-1)!);
  };
  test.each<{ what: string; happens: () => Promise<void>; ends?: number }>([
    { what: "if nobody else touches it", happens: async () => {}, ends: lines.length },
    {
      what: "if somebody adds to it",
      happens: async () => appendFile(await current(), "x\n"),
      ends: lines.length + 2,
    },
    { what: "if somebody cuts it", happens: async () => truncate(await current(), 4), ends: 4 },
    { what: "if somebody moves it", happens: async () => rename(await current(), join(root, "moved")) },
    { what: "if somebody deletes it", happens: async () => rm(await current()) },
    { what: "after a rotation", happens: () => registry.rotate({ ...log(), directory: "relay" }), ends: 0 },
    { what: "after its handle was closed", happens: () => registry.reopen(), ends: lines.length },
  ])("$what", async ({ happens, ends }) => {
    await start();
    await registry.append({ ...log(), directory: "relay" }, lines);
    await happens();
    const found = await logEnd(log(), "relay", registry);
    expect(found).toEqual(await logEnd(log(), "relay", stranger));
    expect(await registry.endOf({ ...log(), directory: "relay" })).toEqual(
      ends === undefined ? undefined : { file: basename(await current()), bytes: ends },
    );
  });
});

test("a position is the last one noted, whichever half of its file a power failure damages", async () => {
  await start();
  const path = join(root, ".muninn", "collect", "a.position");
  const first = await Position.open(path, { isSynced: true });
  first.startAgain("2026");
  const place = { series: "s relay", ends: [] };
  await first.begin({ ...place, sequence: 3, first: 1, count: 10 });
  first.end();
  await first.begin({ ...place, sequence: 4, first: 11, count: 5 });
  const bytes = await readFile(path);
  const underWay = (await Position.open(path, { isSynced: false })).written;
  expect(underWay).toMatchObject({
    created: "2026",
    sequence: 3,
    next: { "s relay": 11 },
    underWay: { first: 11 },
  });
  for (const [half, sequence] of [
    [0, 0],
    [1, 3],
  ] as const) {
    const spoilt = Buffer.from(bytes);
    spoilt.fill("x", half * 8_192 + 20, half * 8_192 + 60);
    await writeFile(`${path}.${half}`, spoilt);
    const { written } = await Position.open(`${path}.${half}`, { isSynced: false });
    expect(written.sequence).toBe(sequence);
    expect(written.underWay).toBeDefined();
  }
});
