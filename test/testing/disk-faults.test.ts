import { expect, test } from "vitest";
import {
  type DiskFault,
  eventually,
  faults,
  NumberedSource,
  simulatedNode,
  startTracer,
} from "../../src/testing/entry.js";

const objects = 500;

const cases: readonly (readonly [string, DiskFault])[] = [
  ["full", { kind: "full" }],
  ["full after a part of a line", { kind: "full", freeBytes: 100 }],
  ["without permission", { kind: "denies", code: "EACCES" }],
  ["read-only", { kind: "denies", code: "EROFS" }],
  ["out of handles", { kind: "denies", code: "EMFILE" }],
  ["failing", { kind: "denies", code: "EIO" }],
  ["slow", { kind: "slow", milliseconds: 1_000_000 }],
  ["stalled", { kind: "stalls" }],
];

test.each(cases)(
  "a disk that is %s delays one node, and once it heals each line is in the files once",
  async (_name, fault) => {
    const disk = faults.fileSystem();
    await using tracer = await startTracer({ fileSystem: disk });
    const heal = disk.breaks({ ...fault, path: "/ill/" });
    const network = { mode: "connect", address: tracer.address } as const;
    await using ill = await simulatedNode({
      source: new NumberedSource({ name: "ill", count: objects }),
      network,
    });
    await using well = await simulatedNode({
      source: new NumberedSource({ name: "well", count: objects }),
      network,
    });
    await well.finished;
    await eventually(() => expect(disk.met).toBeGreaterThan(0));
    await eventually(async () => expect(await tracer.linesOf("well")).toHaveLength(objects));
    expect((await tracer.linesOf("ill")).length).toBe(0);
    heal();
    await ill.finished;
    await eventually(async () => expect(await tracer.linesOf("ill")).toHaveLength(objects));
    const numbers = (await tracer.linesOf("ill")).map((line) => Number(/"seq":"(\d+)"/.exec(line)?.[1]));
    expect(numbers).toEqual(Array.from({ length: objects }, (_, index) => index));
  },
);

test("a disk that tears every write still gets each line whole in the end", async () => {
  const disk = faults.fileSystem({ kind: "tears", bytes: 97 });
  await using tracer = await startTracer({ fileSystem: disk });
  const network = { mode: "connect", address: tracer.address } as const;
  await using node = await simulatedNode({
    source: new NumberedSource({ name: "torn", count: 50 }),
    network,
  });
  await node.finished;
  await eventually(async () => expect(await tracer.linesOf("torn")).toHaveLength(50));
  for (const line of await tracer.linesOf("torn")) expect(() => JSON.parse(line)).not.toThrow();
  expect(disk.met).toBeGreaterThan(50);
});

test("several faults at once end one by one, or all with heals()", async () => {
  const disk = faults.fileSystem();
  const path = "/nowhere/at/all";
  const endFull = disk.breaks({ kind: "full" });
  disk.breaks({ kind: "denies", code: "EIO", path: /^\/nowhere/ });
  await expect(disk.mkdir(path, undefined)).rejects.toMatchObject({ code: "ENOSPC", syscall: "mkdir" });
  endFull();
  await expect(disk.mkdir(path, undefined)).rejects.toMatchObject({ code: "EIO" });
  await expect(disk.mkdir("/elsewhere/at/all", undefined)).rejects.toMatchObject({ code: "ENOENT" });
  disk.heals();
  await expect(disk.mkdir(path, undefined)).rejects.toMatchObject({ code: "ENOENT" });
});

test.each<DiskFault>([
  { kind: "tears", bytes: 0 },
  { kind: "slow", milliseconds: -1 },
  { kind: "full", freeBytes: Number.NaN },
])("the invalid fault %j is refused with one sentence", (fault) => {
  expect(() => faults.fileSystem(fault)).toThrow(RangeError);
});
