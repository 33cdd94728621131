import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { openHandleRegistry } from "../../src/registry/open-handle-registry.js";
import { RegistryError } from "../../src/registry/registry-fault.js";
import { lockRoot } from "../../src/registry/root-lock.js";
import {
  allText,
  eventually,
  lines,
  passPause,
  recordingObserver,
  temporaryDirectory,
  testRegistry,
} from "./test-registry.js";

const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
const pidNamespace = readlinkSync("/proc/self/ns/pid");
/** More than the kernel gives out, so surely gone. */
const noPid = 4_194_305;

function startTimeOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")[19]!;
}

function holder(facts: Record<string, unknown> = {}): string {
  return JSON.stringify({ bootId, pidNamespace, pid: noPid, startTime: "1", registry: "another", ...facts });
}

function locked(root: string, pid: number) {
  return { fault: { code: "root-locked", root, pid, lockFile: join(root, ".muninn.lock") } };
}

const ourselves = { pid: process.pid, startTime: startTimeOf(process.pid) };

/** A process that lives until the test ends. */
async function livingProcess(): Promise<number> {
  const child = spawn("sleep", ["1000"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child.pid!;
}

/** A process that has ended, but whose parent does not want to know. */
async function zombieProcess(): Promise<number> {
  const parent = spawn("sh", ["-c", "sh -c 'echo $$' & exec sleep 1000"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
  const pid = Number(line);
  await eventually(() => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
  return pid;
}

test("the lock names boot, process namespace, process and its start", async () => {
  const { root } = await testRegistry();
  expect(JSON.parse(readFileSync(join(root, ".muninn.lock"), "utf8"))).toEqual({
    bootId,
    pidNamespace,
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    registry: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(readdirSync(root)).toEqual([".muninn.lock"]);
});

test("a second registry below the same root is refused and told who is there, also within one process", async () => {
  const { root } = await testRegistry();
  const before = readFileSync(join(root, ".muninn.lock"));
  await expect(testRegistry({ roots: [root] })).rejects.toMatchObject(locked(root, process.pid));
  expect(readFileSync(join(root, ".muninn.lock"))).toEqual(before);
  expect(readdirSync(root)).toEqual([".muninn.lock"]);
});

test("a lock of another living process is respected", async () => {
  const root = temporaryDirectory();
  const pid = await livingProcess();
  const text = holder({ pid, startTime: startTimeOf(pid) });
  writeFileSync(join(root, ".muninn.lock"), text);
  const refused = testRegistry({ roots: [root] });
  await expect(refused).rejects.toBeInstanceOf(RegistryError);
  await expect(refused).rejects.toMatchObject(locked(root, pid));
  await expect(refused).rejects.toThrow(`process ${pid}`);
  expect(readFileSync(join(root, ".muninn.lock"), "utf8")).toBe(text);
});

test("of a process in an unknown namespace nobody can tell whether it lives, so its lock is respected", async () => {
  const root = temporaryDirectory();
  writeFileSync(join(root, ".muninn.lock"), holder({ pidNamespace: "pid:[1]" }));
  await expect(testRegistry({ roots: [root] })).rejects.toMatchObject(locked(root, noPid));
});

test.each([
  { what: "a process that is gone", facts: async () => ({}) },
  {
    what: "a process number that another process has now",
    facts: async () => ({ pid: await livingProcess() }),
  },
  {
    what: "a process before the machine was started anew",
    facts: async () => ({ bootId: "other", pid: process.pid, startTime: startTimeOf(process.pid) }),
  },
  {
    what: "an unknown namespace before the machine was started anew",
    facts: async () => ({ bootId: "other", pidNamespace: "pid:[1]" }),
  },
  {
    what: "a process that has ended and is a zombie",
    facts: async () => {
      const pid = await zombieProcess();
      return { pid, startTime: startTimeOf(pid) };
    },
  },
])("the lock of $what is taken over", async ({ facts }) => {
  const root = temporaryDirectory();
  writeFileSync(join(root, ".muninn.lock"), holder(await facts()));
  await testRegistry({ roots: [root] });
  expect(JSON.parse(readFileSync(join(root, ".muninn.lock"), "utf8"))).toMatchObject({ pid: process.pid });
  expect(readdirSync(root)).toEqual([".muninn.lock"]);
});

test.each([
  { what: "nothing", text: "" },
  { what: "half of what was written", text: holder().slice(0, 40) },
  { what: "something else", text: "null" },
  { what: "no boot", text: holder({ ...ourselves, bootId: undefined }) },
  { what: "no namespace", text: holder({ ...ourselves, pidNamespace: undefined }) },
  { what: "no process", text: holder({ ...ourselves, pid: undefined, pidNamespace: "pid:[1]" }) },
  { what: "no start", text: holder({ ...ourselves, startTime: undefined, pidNamespace: "pid:[1]" }) },
  { what: "no registry", text: holder({ ...ourselves, registry: undefined }) },
])("a lock with $what in it, as a power failure leaves it, is taken over", async ({ text }) => {
  const root = temporaryDirectory();
  writeFileSync(join(root, ".muninn.lock"), text);
  await testRegistry({ roots: [root] });
  expect(JSON.parse(readFileSync(join(root, ".muninn.lock"), "utf8"))).toMatchObject({ pid: process.pid });
});

test.each([
  { what: "that died meanwhile", text: holder() },
  { what: "that died before it had written anything", text: "" },
])("what a process $what has prepared is in nobody's way", async ({ text }) => {
  const root = temporaryDirectory();
  writeFileSync(join(root, ".muninn.lock.new"), text);
  await testRegistry({ roots: [root] });
  expect(readdirSync(root)).toEqual([".muninn.lock"]);
});

test("a living process that is just taking the lock is respected", async () => {
  const root = temporaryDirectory();
  const pid = await livingProcess();
  writeFileSync(join(root, ".muninn.lock.new"), holder({ pid, startTime: startTimeOf(pid) }));
  await expect(testRegistry({ roots: [root] })).rejects.toMatchObject(locked(root, pid));
});

test("of many that find the same stale lock at the same moment exactly one gets it", async () => {
  const root = temporaryDirectory();
  writeFileSync(join(root, ".muninn.lock"), holder());
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => testRegistry({ roots: [root] })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(locked(root, process.pid));
  }
  expect(readdirSync(root)).toEqual([".muninn.lock"]);
});

test("a lock that is not ours any more is not removed at the stop", async () => {
  const { root, registry } = await testRegistry();
  const text = holder();
  writeFileSync(join(root, ".muninn.lock"), text);
  await registry.stop();
  expect(readFileSync(join(root, ".muninn.lock"), "utf8")).toBe(text);
});

test("a lock that somebody removed is missed by nobody at the stop", async () => {
  const { root, registry } = await testRegistry();
  unlinkSync(join(root, ".muninn.lock"));
  await registry.stop();
  expect(readdirSync(root)).toEqual([]);
});

test("who has a lock may take it again, and release it twice", async () => {
  const root = temporaryDirectory();
  const lock = await lockRoot(root);
  await Promise.all([lock.takeAgain(), lock.takeAgain()]);
  await lock.takeAgain();
  await lock.release();
  expect(readdirSync(root)).toEqual([]);
  await lock.release();
});

test("after a stop the root is free again", async () => {
  const { root, registry } = await testRegistry();
  await registry.stop();
  const again = await testRegistry({ roots: [root] });
  await again.registry.append(again.log("a"), lines("x"));
  expect(allText(again.log("a"))).toBe("x\n");
});

test("where one of several roots is locked, none stays locked", async () => {
  const { root: taken } = await testRegistry();
  const free = temporaryDirectory();
  await expect(testRegistry({ roots: [free, taken] })).rejects.toMatchObject(locked(taken, process.pid));
  expect(existsSync(join(free, ".muninn.lock"))).toBe(false);
});

test("where another has locked the root that is made again, lines wait: two registries would mix them", async () => {
  const root = join(temporaryDirectory(), "logs");
  const { registry, log, clock, disk } = await testRegistry({ roots: [root] });
  const pid = await livingProcess();
  rmSync(root, { recursive: true });
  disk.rules.mkdir = async (real, path, mode) => {
    await real(path, mode);
    // The other one is a moment faster.
    writeFileSync(join(root, ".muninn.lock"), holder({ pid, startTime: startTimeOf(pid) }));
  };
  const append = registry.append(log("a"), lines("1"));
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ error: locked(root, pid) }]);
  expect(existsSync(join(root, "a"))).toBe(false);
  delete disk.rules.mkdir;
  rmSync(root, { recursive: true });
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("1\n");
});

test("the same directory under two names is one root, with one lock and one file for each log", async () => {
  const root = temporaryDirectory();
  const link = join(temporaryDirectory(), "link");
  symlinkSync(root, link);
  const { registry } = await testRegistry({ roots: [root, link, `${root}/.`], maxOpenFiles: 3 });
  const appends = [root, link, `${root}/.`].map((path, i) =>
    registry.append({ root: path, directory: "a", extension: "json" }, lines(`${i}`)),
  );
  await Promise.all(appends);
  expect(allText({ root, directory: "a", extension: "json" })).toBe("0\n1\n2\n");
  expect(registry.stats()).toMatchObject({ logsNow: 1, created: 1, maxOpenFiles: 3 });
});

test("a link that a root was given as is followed once, at the start", async () => {
  const [first, second] = [temporaryDirectory(), temporaryDirectory()];
  const link = join(temporaryDirectory(), "link");
  symlinkSync(first, link);
  const { registry } = await testRegistry({ roots: [link] });
  rmSync(link);
  symlinkSync(second, link);
  await registry.append({ root: link, directory: "a", extension: "json" }, lines("x"));
  expect(readdirSync(first)).toContain("a");
  expect(readdirSync(second)).toEqual([]);
});

test.each([
  { what: "is a file", put: (root: string) => writeFileSync(root, "") },
  { what: "is below a file", put: (root: string) => writeFileSync(dirname(root), "") },
  {
    what: "has a directory in the lock's place",
    put: (root: string) => mkdirSync(join(root, ".muninn.lock"), { recursive: true }),
  },
])("a root that $what is refused, with the reason", async ({ what, put }) => {
  const root = join(temporaryDirectory(), "above", "logs");
  if (what !== "is below a file") mkdirSync(dirname(root));
  put(root);
  const refused = openHandleRegistry({
    roots: [root],
    maxOpenFiles: 1,
    idleTimeoutMs: 0,
    durability: "os",
    observer: recordingObserver([]),
  });
  await expect(refused).rejects.toMatchObject({
    fault: { code: "root-unusable", root },
    cause: expect.any(Error),
  });
  await expect(refused).rejects.toThrow(root);
});

test("a missing root is made, with the directories above it", async () => {
  const root = join(temporaryDirectory(), "x", "y", "logs");
  const { registry, log } = await testRegistry({ roots: [root], dirMode: 0o757 });
  await registry.append(log("a"), lines("x"));
  expect(allText(log("a"))).toBe("x\n");
  for (const made of [dirname(root), root, join(root, "a")]) expect(statSync(made).mode & 0o777).toBe(0o757);
});
