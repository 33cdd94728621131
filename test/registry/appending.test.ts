import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { expect, test } from "vitest";
import { operationsPerRoot } from "../../src/registry/process-limit.js";
import { RegistryError } from "../../src/registry/registry-fault.js";
import { Gate } from "./interposed-file-system.js";
import {
  allText,
  eventually,
  fileNames,
  leaveFile,
  lines,
  nameAfter,
  openFiles,
  settled,
  startName,
  temporaryDirectory,
  testRegistry,
  textOf,
  watch,
} from "./test-registry.js";

test("lines are written below the node's directory, in a file named for the second of its creation", async () => {
  const { registry, log } = await testRegistry();
  await registry.append(log("node-1"), lines("one", "two"));
  expect(fileNames(log("node-1"))).toEqual([startName]);
  expect(textOf(log("node-1"), startName)).toBe("one\ntwo\n");
});

test("lines stay in the order of the calls, and nothing is acknowledged before it is written", async () => {
  const { registry, log, disk } = await testRegistry();
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const texts = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  const order: string[] = [];
  const appends = texts.map((text) => registry.append(log("a"), lines(text)).then(() => order.push(text)));
  await eventually(() => gate.arrived > 0);
  await settled();
  expect(order).toEqual([]);
  gate.open();
  await Promise.all(appends);
  expect(order).toEqual(texts);
  expect(allText(log("a"))).toBe(texts.map((text) => `${text}\n`).join(""));
});

test("lines appended during a write go into one further write", async () => {
  const { registry, log, disk } = await testRegistry();
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const appends = [registry.append(log("a"), lines("first"))];
  await eventually(() => gate.arrived === 1);
  for (let i = 0; i < 100; i += 1) appends.push(registry.append(log("a"), lines(`line ${i}`)));
  gate.open();
  await Promise.all(appends);
  expect(registry.stats()).toMatchObject({ writes: 2, hits: 1, misses: 1, unwrittenBytesNow: 0 });
});

test.each([
  { what: "appends", count: 300, bytes: 10, mostPieces: 256 },
  { what: "bytes", count: 5, bytes: 400_000, mostPieces: 3 },
])("one write gathers a limited number of $what", async ({ count, bytes, mostPieces }) => {
  const { registry, log, disk } = await testRegistry();
  const pieces: number[] = [];
  const gate = new Gate();
  disk.rules.write = async (real, fd, buffers) => {
    pieces.push(buffers.length);
    await gate.pass();
    return real(fd, buffers);
  };
  const appends = [registry.append(log("a"), lines("first"))];
  await eventually(() => gate.arrived === 1);
  const line = lines("x".repeat(bytes - 1));
  for (let i = 0; i < count; i += 1) appends.push(registry.append(log("a"), line));
  gate.open();
  await Promise.all(appends);
  expect(pieces).toEqual([1, mostPieces, count - mostPieces]);
  expect(allText(log("a")).length).toBe("first\n".length + count * bytes);
});

test("lines appended while the first write waits for its turn join it", async () => {
  const { registry, log, disk, root } = await testRegistry();
  const gate = new Gate();
  const busy = Array.from({ length: operationsPerRoot(1) }, (_, i) => log(`busy-${i}`));
  await Promise.all(busy.map((id) => registry.append(id, lines("begun"))));
  await registry.append(log("a"), lines("begun"));
  const written: string[] = [];
  disk.rules.write = async (real, fd, pieces) => {
    const text = Buffer.concat(pieces).toString();
    if (text === "busy\n") await gate.pass();
    else written.push(text);
    return real(fd, pieces);
  };
  const writes = busy.map((id) => registry.append(id, lines("busy")));
  await eventually(() => gate.arrived === busy.length);
  const appends = [registry.append(log("a"), lines("1"))];
  await settled();
  appends.push(registry.append(log("a"), lines("2")), registry.append(log("a"), lines("3")));
  gate.open();
  await Promise.all([...writes, ...appends]);
  expect(written).toEqual(["1\n2\n3\n"]);
  expect(openFiles(root)).toHaveLength(busy.length + 1);
});

test("logs do not mix: neither those of two nodes nor the two formats of one", async () => {
  const { registry, log } = await testRegistry();
  await Promise.all([
    registry.append(log("a"), lines("{}")),
    registry.append(log("b"), lines("[]")),
    registry.append(log("a", "log"), lines("text")),
  ]);
  expect(allText(log("a"))).toBe("{}\n");
  expect(allText(log("b"))).toBe("[]\n");
  expect(allText(log("a", "log"))).toBe("text\n");
  expect(fileNames(log("a", "log"))).toEqual([nameAfter(0, "log")]);
});

test.each([
  { what: "the directory above", directory: ".." },
  { what: "the root itself", directory: "." },
  { what: "nothing", directory: "" },
  { what: "two components", directory: "a/b" },
  { what: "a way out", directory: "../../etc" },
  { what: "an absolute path", directory: "/etc" },
  { what: "a zero byte", directory: "a\0b" },
  { what: "256 bytes", directory: "x".repeat(256) },
])("a directory that is $what is refused before any file is touched", async ({ directory }) => {
  const { registry, log, disk } = await testRegistry();
  const fault = { code: "log-invalid", log: log(directory) };
  await expect(registry.append(log(directory), lines("x"))).rejects.toMatchObject({ fault });
  await expect(registry.rotate(log(directory))).rejects.toMatchObject({ fault });
  expect(() => registry.acquire(log(directory))).toThrow(RegistryError);
  expect(registry.stats().logsNow).toBe(0);
  expect(disk.calls).toEqual([]);
});

test("a directory name of 255 bytes, in any letters, is accepted", async () => {
  const { registry, log } = await testRegistry();
  const names = [
    "x".repeat(255),
    "🦉".repeat(63),
    "[a]*?{b,c}!(d)",
    "back\\slash",
    " ",
    "line\nfeed",
    "-rf",
    "...",
  ];
  await Promise.all(names.map((name) => registry.append(log(name), lines(name.replace("\n", " ")))));
  expect(names.map((name) => allText(log(name)))).toEqual(
    names.map((name) => `${name.replace("\n", " ")}\n`),
  );
});

test("a root that was not given to the registry is refused", async () => {
  const { registry, log } = await testRegistry();
  const other = { ...log("a"), root: "/" };
  await expect(registry.append(other, lines("x"))).rejects.toMatchObject({
    fault: { code: "log-invalid", log: other },
    message: `"a" below / is not a directory of this registry's logs`,
  });
});

test("bytes without a final line feed are refused: they would tear the next line", async () => {
  const { registry, log } = await testRegistry();
  await expect(registry.append(log("a"), Buffer.from("x\ny"))).rejects.toMatchObject({
    fault: { code: "line-unfinished" },
    message: "lines for a do not end with a line feed",
  });
  await registry.append(log("a"), lines("whole"));
  expect(allText(log("a"))).toBe("whole\n");
});

test("appending nothing creates no file", async () => {
  const { registry, log, root } = await testRegistry();
  await registry.append(log("a"), new Uint8Array());
  expect(() => statSync(`${root}/a`)).toThrow("ENOENT");
});

test("the newest file is continued at the start, and older ones are left alone", async () => {
  const { registry, log } = await testRegistry();
  leaveFile(log("a"), nameAfter(-100), '"older"\n');
  leaveFile(log("a"), nameAfter(-50), '"newest"\n');
  await registry.append(log("a"), lines("new"));
  expect(textOf(log("a"), nameAfter(-100))).toBe('"older"\n');
  expect(textOf(log("a"), nameAfter(-50))).toBe('"newest"\nnew\n');
  expect(fileNames(log("a"))).toHaveLength(2);
  expect(registry.stats()).toMatchObject({ opened: 1, created: 0, rotated: 0 });
});

test.each([
  { what: "one byte short of its limit", size: 9, continued: true },
  { what: "at its limit", size: 10, continued: false },
])("a file $what is continued at the start: $continued", async ({ size, continued }) => {
  const rotation = { frequencyMs: 60_000, limitBytes: 10, maxAgeMs: 1e9, keepFiles: 10 };
  const { registry, log } = await testRegistry({ rotation });
  const old = `"${"x".repeat(size - 3)}"\n`;
  leaveFile(log("a"), nameAfter(-5), old);
  await registry.append(log("a"), lines("new"));
  const [first, second] = fileNames(log("a"));
  expect(textOf(log("a"), first!)).toBe(continued ? `${old}new\n` : old);
  expect(second).toBe(continued ? undefined : startName);
});

test("only names of exactly Muninn's form decide which file is current", async () => {
  const { registry, log } = await testRegistry();
  const strangers = [
    "node-2999-01-01T00-00-00.json.1",
    "node-2999-02-30T00-00-00.json",
    "node-2999-01-01T25-00-00.json",
    "node-2999-01-01T00:00:00.json",
    "node-2999-01-01.json",
    "node-9999.json",
    "xnode-2999-01-01T00-00-00.json",
    "node-2999-01-01T00-00-00.JSON",
  ];
  for (const name of strangers) leaveFile(log("a"), name, "untouched");
  leaveFile(log("a", "log"), nameAfter(77, "log"), "another extension\n");
  await registry.append(log("a"), lines("new"));
  expect(textOf(log("a"), startName)).toBe("new\n");
  for (const name of strangers) expect(textOf(log("a"), name)).toBe("untouched");
});

test("files and directories get the modes of the configuration, whatever the umask", async () => {
  const { registry, log, root } = await testRegistry({ mode: 0o666, dirMode: 0o777 });
  await registry.append(log("a"), lines("x"));
  expect(statSync(`${root}/a`).mode & 0o7777).toBe(0o777);
  expect(statSync(`${root}/a/${startName}`).mode & 0o7777).toBe(0o666);
});

// A worker thread, in which mutants are tested, cannot set the umask.
test.skipIf(!isMainThread)("without modes the umask decides", async () => {
  const { registry, log, root } = await testRegistry();
  const umask = process.umask(0o027);
  try {
    await registry.append(log("a"), lines("x"));
  } finally {
    process.umask(umask);
  }
  expect(statSync(`${root}/a`).mode & 0o7777).toBe(0o750);
  expect(statSync(`${root}/a/${startName}`).mode & 0o7777).toBe(0o640);
});

test.skipIf(!isMainThread)("others never write here by default, whatever the umask allows", async () => {
  const umask = process.umask(0);
  try {
    const root = join(temporaryDirectory(), "logs");
    const { registry, log } = await testRegistry({ roots: [root] });
    await registry.append(log("a"), lines("x"));
    expect(statSync(root).mode & 0o7777).toBe(0o755);
    expect(statSync(`${root}/a`).mode & 0o7777).toBe(0o755);
    expect(statSync(`${root}/a/${startName}`).mode & 0o7777).toBe(0o644);
    expect(statSync(`${root}/.muninn`).mode & 0o7777).toBe(0o755);
    for (const name of readdirSync(`${root}/.muninn`)) {
      expect(statSync(`${root}/.muninn/${name}`).mode & 0o022).toBe(0);
    }
  } finally {
    process.umask(umask);
  }
});

test("drained resolves when nothing is unwritten, whoever appended it", async () => {
  const { registry, log, disk } = await testRegistry();
  await registry.drained(log("a"));
  const gate = new Gate();
  disk.rules.write = gate.rule;
  const append = registry.append(log("a"), lines("one"));
  const drained = watch(registry.drained(log("a")));
  await eventually(() => gate.arrived > 0);
  await settled();
  expect(drained.isSettled).toBe(false);
  expect(registry.stats()).toMatchObject({ unwrittenBytesNow: 4, logsNow: 1 });
  gate.open();
  await append;
  await eventually(() => drained.isSettled);
  expect(registry.stats().unwrittenBytesNow).toBe(0);
});
