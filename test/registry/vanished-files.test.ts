import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { FileStatus } from "../../src/registry/file-system.js";
import { Gate } from "./interposed-file-system.js";
import {
  allText,
  eventually,
  fileNames,
  lines,
  nameAfter,
  openFiles,
  passPause,
  startName,
  temporaryDirectory,
  testRegistry,
  textOf,
} from "./test-registry.js";

test("if the current file is deleted, the line is written again to a new one, and the link points there", async () => {
  const { registry, log, root, events } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  unlinkSync(join(root, "a", startName));
  await registry.append(log("a"), lines("2"));
  expect(fileNames(log("a"))).toEqual([nameAfter(1)]);
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
  expect(readlinkSync(join(root, "a", "node.json"))).toBe(nameAfter(1));
  expect(openFiles(root)).toEqual([`a/${nameAfter(1)}`]);
  expect(events).toEqual([["vanished", join(root, "a", startName), "deleted"]]);
  expect(registry.stats()).toMatchObject({ vanished: 1, created: 2, rotated: 0, bytesWritten: 4 });
});

/** The same status as if on another file system, where inodes have the same numbers. */
function elsewhere(status: FileStatus): FileStatus {
  return Object.create(status, { dev: { value: status.dev + 1n } });
}

test("a file on another file system with the same inode is another file", async () => {
  const { registry, log, root, disk, events } = await testRegistry();
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  disk.rules.lstat = async (real, path) => {
    const status = await real(path);
    return path.endsWith(startName) ? elsewhere(status) : status;
  };
  await registry.append(log("a"), lines("2"));
  await registry.append(log("a"), lines("3"));
  expect(events).toEqual([["vanished", join(root, "a", startName), "renamed"]]);
  expect(textOf(log("a"), nameAfter(1))).toBe("3\n");
});

test("a file on another file system with the same inode is another file even when it is opened again", async () => {
  const { registry, log, root, disk, events } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  await registry.reopen();
  let looks = 0;
  disk.rules.fstat = async (real, fd) => {
    looks += 1;
    return looks === 1 ? elsewhere(await real(fd)) : real(fd);
  };
  await registry.append(log("a"), lines("2"));
  expect(events).toEqual([["vanished", join(root, "a", startName), "deleted or renamed"]]);
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
});

test("everything that one write brought into a deleted file is written again", async () => {
  const { registry, log, root, disk } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const appends = ["2", "3", "4"].map((text) => registry.append(log("a"), lines(text)));
  await eventually(() => gate.arrived === 1);
  unlinkSync(join(root, "a", startName));
  gate.open();
  await Promise.all(appends);
  expect(allText(log("a"))).toBe("2\n3\n4\n");
});

test("if the current file is renamed, the line is safe there and is not written again", async () => {
  const { registry, log, root, events } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  renameSync(join(root, "a", startName), join(root, "a", "kept"));
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), "kept")).toBe("1\n2\n");
  await registry.append(log("a"), lines("3"));
  expect(textOf(log("a"), "kept")).toBe("1\n2\n");
  expect(allText(log("a"))).toBe("3\n");
  expect(events).toEqual([["vanished", join(root, "a", startName), "renamed"]]);
});

test("a file renamed and replaced by another, as log rotators do, is released, and the other is not touched", async () => {
  const { registry, log, root } = await testRegistry();
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  renameSync(join(root, "a", startName), join(root, "a", "kept"));
  writeFileSync(join(root, "a", startName), "stranger\n");
  await registry.append(log("a"), lines("2"));
  await registry.append(log("a"), lines("3"));
  expect(textOf(log("a"), "kept")).toBe("1\n2\n");
  expect(textOf(log("a"), startName)).toBe("stranger\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("3\n");
});

test("a file deleted and replaced by another loses no lines", async () => {
  const { registry, log, root } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  // So that the file system does not give the same inode again.
  writeFileSync(join(root, "a", "other"), "stranger\n");
  renameSync(join(root, "a", "other"), join(root, "a", startName));
  await registry.append(log("a"), lines("2"));
  expect(textOf(log("a"), startName)).toBe("stranger\n");
  expect(textOf(log("a"), nameAfter(1))).toBe("2\n");
});

test("a renamed directory of a node keeps its lines, and a new one is created", async () => {
  const { registry, log, root } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  renameSync(join(root, "a"), join(root, "b"));
  await registry.append(log("a"), lines("2"));
  await registry.append(log("a"), lines("3"));
  expect(allText(log("b"))).toBe("1\n2\n");
  expect(allText(log("a"))).toBe("3\n");
});

test("a deleted directory of a node is created again, with its mode and its link", async () => {
  const { registry, log, root } = await testRegistry({ dirMode: 0o751 });
  await registry.append(log("a"), lines("1"));
  rmSync(join(root, "a"), { recursive: true });
  await registry.append(log("a"), lines("2"));
  expect(allText(log("a"))).toBe("2\n");
  expect(readFileSync(join(root, "a", "node.json"), "utf8")).toBe("2\n");
  expect(statSync(join(root, "a")).mode & 0o777).toBe(0o751);
});

test.each([
  { what: "deleted", take: (root: string) => rmSync(root, { recursive: true }) },
  { what: "renamed", take: (root: string) => renameSync(root, `${root}-moved`) },
])("a root that was $what is created again and claimed again", async ({ what, take }) => {
  const root = join(temporaryDirectory(), "logs");
  const { registry, log } = await testRegistry({ roots: [root], dirMode: 0o750 });
  for (const directory of ["a", "b", "c"]) await registry.append(log(directory), lines("1"));
  take(root);
  await Promise.all(["a", "b", "c"].map((directory) => registry.append(log(directory), lines("2"))));
  await Promise.all(["a", "b", "c"].map((directory) => registry.append(log(directory), lines("3"))));
  for (const directory of ["a", "b", "c"]) {
    const before = what === "renamed" ? allText({ ...log(directory), root: `${root}-moved` }) : "";
    expect(before + allText(log(directory))).toBe(what === "renamed" ? "1\n2\n3\n" : "2\n3\n");
  }
  expect(readdirSync(join(root, ".muninn")).filter((name) => name.endsWith(".claims"))).toHaveLength(1);
  expect(statSync(root).mode & 0o777).toBe(0o750);
});

test("a root on another device than at the start is a fault: nothing is written below the mount point of a volume", async () => {
  const { registry, log, disk, clock, root } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  await registry.rotate(log("a"));
  // The place below the volume has none of our claims in it.
  renameSync(join(root, ".muninn"), `${root}-claims`);
  onTestFinished(() => rmSync(`${root}-claims`, { recursive: true, force: true }));
  disk.rules.lstat = async (real, path) => {
    const status = await real(path);
    return path === root ? Object.assign(status, { dev: status.dev + 1n }) : status;
  };
  const append = registry.append(log("b"), lines("2"));
  await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ path: root, error: { code: "ENODEV" } }]);
  expect(() => statSync(join(root, "b"))).toThrow("ENOENT");
  renameSync(`${root}-claims`, join(root, ".muninn"));
  delete disk.rules.lstat;
  await passPause(clock);
  await append;
  expect(allText(log("b"))).toBe("2\n");
});

test("a missing root is not created again on the device above, if that is another", async () => {
  const above = temporaryDirectory();
  const root = join(above, "volume", "logs");
  const { registry, log, disk, clock } = await testRegistry({ roots: [root] });
  rmSync(join(above, "volume"), { recursive: true });
  disk.rules.lstat = async (real, path) => {
    const status = await real(path);
    return path === above ? Object.assign(status, { dev: status.dev + 1n }) : status;
  };
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ path: above, error: { code: "ENODEV" } }]);
  expect(() => statSync(join(above, "volume"))).toThrow("ENOENT");
  mkdirSync(root, { recursive: true });
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("1\n");
});

test("a file in place of the root is a fault until it is removed", async () => {
  const root = join(temporaryDirectory(), "logs");
  const { registry, log, clock } = await testRegistry({ roots: [root] });
  rmSync(root, { recursive: true });
  writeFileSync(root, "mine");
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ path: root, error: { code: "ENOTDIR" } }]);
  rmSync(root);
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("1\n");
});
