import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errno } from "./interposed-file-system.js";
import { allText, leaveFile, lines, nameAfter, startName, testRegistry } from "./test-registry.js";

test.each(["json", "log"] as const)(
  "node.%s links to the current file by a relative target",
  async (extension) => {
    const { registry, log, root } = await testRegistry();
    await registry.append(log("a", extension), lines("x"));
    const link = join(root, "a", `node.${extension}`);
    expect(readlinkSync(link)).toBe(nameAfter(0, extension));
    expect(readFileSync(link, "utf8")).toBe("x\n");
  },
);

test("the file is created, then the link is replaced by a rename, then the first line is written", async () => {
  const { registry, log, disk } = await testRegistry();
  await registry.append(log("a"), lines("x"));
  const steps = disk.calls.filter((call) => /^(open node|unlink|symlink|rename|write)/.test(call));
  expect(steps).toEqual([
    `open ${startName}`,
    "unlink .node.json.tmp",
    `symlink ${startName}`,
    "rename .node.json.tmp",
    "write",
  ]);
});

test("after a rotation the link points to the new file, and no temporary link is left", async () => {
  const { registry, log, root } = await testRegistry();
  await registry.append(log("a"), lines("x"));
  await registry.rotate(log("a"));
  expect(readlinkSync(join(root, "a", "node.json"))).toBe(nameAfter(1));
  expect(existsSync(join(root, "a", ".node.json.tmp"))).toBe(false);
});

test("a temporary link left by a killed process is replaced", async () => {
  const { registry, log, root } = await testRegistry();
  leaveFile(log("a"), ".node.json.tmp", "left");
  await registry.append(log("a"), lines("x"));
  expect(readlinkSync(join(root, "a", "node.json"))).toBe(startName);
  expect(existsSync(join(root, "a", ".node.json.tmp"))).toBe(false);
});

test("the names decide which file is current, and a wrong link is corrected", async () => {
  const { registry, log, root } = await testRegistry();
  leaveFile(log("a"), nameAfter(-20), '"old"\n');
  leaveFile(log("a"), nameAfter(-10), '"newest"\n');
  symlinkSync(nameAfter(-20), join(root, "a", "node.json"));
  await registry.append(log("a"), lines("x"));
  expect(readlinkSync(join(root, "a", "node.json"))).toBe(nameAfter(-10));
  expect(readFileSync(join(root, "a", nameAfter(-20)), "utf8")).toBe('"old"\n');
});

test("a correct link is not touched", async () => {
  const { registry, log, root, disk } = await testRegistry();
  leaveFile(log("a"), nameAfter(-10), '"x"\n');
  symlinkSync(nameAfter(-10), join(root, "a", "node.json"));
  await registry.append(log("a"), lines("x"));
  expect(disk.calls.filter((call) => call.startsWith("rename"))).toEqual([]);
});

test("a link set by this process is not checked again until the next file", async () => {
  const { registry, log, clock, disk } = await testRegistry();
  await registry.append(log("a"), lines("1"));
  clock.advance(60_000);
  await registry.append(log("a"), lines("2"));
  expect(disk.calls.filter((call) => call.startsWith("readlink"))).toHaveLength(1);
});

test.each([
  { what: "a regular file", put: (path: string) => writeFileSync(path, "mine") },
  { what: "a directory", put: (path: string) => mkdirSync(path) },
])(
  "$what in place of the link is left alone and reported once, and lines are still written",
  async ({ put }) => {
    const { registry, log, root, events } = await testRegistry();
    const link = join(root, "a", "node.json");
    mkdirSync(join(root, "a"));
    put(link);
    const before = lstatSync(link);
    await registry.append(log("a"), lines("one"));
    await registry.rotate(log("a"));
    await registry.append(log("a"), lines("two"));
    expect(lstatSync(link).ino).toBe(before.ino);
    expect(lstatSync(link).isSymbolicLink()).toBe(false);
    expect(existsSync(join(root, "a", ".node.json.tmp"))).toBe(false);
    expect(allText(log("a"))).toBe("one\ntwo\n");
    expect(registry.faults()).toEqual([]);
    const told = events.filter(([event]) => event === "linkBlocked");
    expect(told).toEqual([["linkBlocked", log("a"), expect.objectContaining({ code: "EEXIST" })]]);
  },
);

test("a failed link is tried again with a write two seconds later", async () => {
  const { registry, log, root, clock } = await testRegistry();
  const link = join(root, "a", "node.json");
  leaveFile(log("a"), "node.json", "mine");
  await registry.append(log("a"), lines("one"));
  rmSync(link);
  clock.advance(1_999);
  await registry.append(log("a"), lines("two"));
  expect(existsSync(link)).toBe(false);
  clock.advance(1);
  await registry.append(log("a"), lines("three"));
  expect(readlinkSync(link)).toBe(startName);
});

test("a failed rename leaves no temporary link, and is reported again after a success in between", async () => {
  const { registry, log, root, disk, events } = await testRegistry();
  const fail = () => Promise.reject(errno("EIO", "rename"));
  disk.rules.rename = fail;
  await registry.append(log("a"), lines("one"));
  expect(existsSync(join(root, "a", ".node.json.tmp"))).toBe(false);
  delete disk.rules.rename;
  await registry.rotate(log("a"));
  await registry.append(log("a"), lines("two"));
  disk.rules.rename = fail;
  await registry.rotate(log("a"));
  expect(events.filter(([event]) => event === "linkBlocked")).toHaveLength(2);
  expect(allText(log("a"))).toBe("one\ntwo\n");
});

test("an unreadable link is reported with the reason", async () => {
  const { registry, log, disk, events } = await testRegistry();
  disk.rules.readlink = () => Promise.reject(errno("EIO", "readlink"));
  await registry.append(log("a"), lines("one"));
  expect(allText(log("a"))).toBe("one\n");
  expect(events).toEqual([["linkBlocked", log("a"), expect.objectContaining({ code: "EIO" })]]);
});
