import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { HandleRegistry } from "../../src/registry/handle-registry.js";
import { openHandleRegistry } from "../../src/registry/open-handle-registry.js";
import { FakeClock } from "./fake-clock.js";
import {
  allText,
  eventually,
  fileNames,
  leaveFile,
  lines,
  nameAfter,
  passPause,
  recordingObserver,
  settled,
  temporaryDirectory,
  testRegistry,
  watch,
} from "./test-registry.js";

const machine = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** Claim files of a root. */
function claimFiles(root: string): string[] {
  return readdirSync(join(root, ".muninn")).filter((name) => name.endsWith(".claims"));
}

/** The claims of an earlier tracer, dead or alive. */
function leaveClaims(root: string, facts: Record<string, unknown>, ...claims: string[]): string {
  mkdirSync(join(root, ".muninn"), { recursive: true });
  const path = join(root, ".muninn", "other.claims");
  const holder = { id: "other", machine, pid: process.pid, since: "then", hasSocket: true, ...facts };
  const changes = claims.map((claim) => `\n${JSON.stringify(["+", claim])}`).join("");
  writeFileSync(path, `000000000001\n${JSON.stringify(holder)}${changes}\n`);
  return path;
}

const identity = "AcceptAt unix:/run/first.sock";

function alreadyRunning(root: string, by: Record<string, unknown> = {}) {
  return { fault: { code: "already-running", root, by: { pid: process.pid, identity, ...by } } };
}

async function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect({ path });
    connection.once("connect", () => resolve(true));
    connection.once("error", () => resolve(false));
  });
}

function holds(registry: HandleRegistry, directory: string): Promise<string> {
  return registry.claim(directory).then(({ state }) => state);
}

test("a tracer has a directory in the root, answers there while it runs, and leaves nothing behind", async () => {
  const { root, registry } = await testRegistry();
  expect(readdirSync(root)).toEqual([".muninn"]);
  const [claims, socket] = readdirSync(join(root, ".muninn")).sort();
  expect([claims, socket]).toEqual([
    expect.stringMatching(/^[0-9a-f]{16}\.claims$/),
    expect.stringMatching(/^[0-9a-f]{16}\.sock$/),
  ]);
  expect(await connects(join(root, ".muninn", socket!))).toBe(true);
  expect(statSync(join(root, ".muninn", socket!)).mode & 0o777).toBe(0o600);
  await registry.stop();
  expect(readdirSync(root)).toEqual([]);
});

test("two tracers share a root as long as they write different directories", async () => {
  const { root, registry, log } = await testRegistry({ identity });
  const other = await testRegistry({ roots: [root], identity: "ConnectTo tcp:1.2.3.4:30" });
  await Promise.all([
    registry.append(log("a"), lines("1")),
    other.registry.append(other.log("b"), lines("2")),
  ]);
  expect([allText(log("a")), allText(log("b"))]).toEqual(["1\n", "2\n"]);
  await registry.stop();
  expect(claimFiles(root)).toHaveLength(1);
});

test("a second writer of a directory is refused and told the owner, until the first releases it", async () => {
  const { root, registry, log } = await testRegistry({ identity });
  const second = await testRegistry({ roots: [root] });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  expect(await second.registry.claim("a")).toEqual({
    state: "taken",
    root,
    by: { pid: process.pid, identity, since: expect.any(String) },
  });
  expect(await holds(second.registry, "b")).toBe("ours");
  const append = watch(second.registry.append(log("a"), lines("2")));
  await eventually(() => second.clock.pauses.length > 0);
  expect(second.registry.faults()).toMatchObject([
    {
      severity: "failing",
      path: join(root, "a"),
      error: { code: "EBUSY", message: expect.stringContaining(identity) },
    },
  ]);
  registry.release(log("a"));
  await eventually(() => {
    second.clock.advance(100);
    return append.isSettled;
  });
  expect(allText(log("a"))).toBe("1\n2\n");
  expect(await holds(registry, "a")).toBe("taken");
});

test("a released claim is free for others, but only once each holder has released it", async () => {
  const { root, registry } = await testRegistry();
  const second = await testRegistry({ roots: [root] });
  const claims = [await registry.claim("a"), await registry.claim("a")];
  for (const claim of claims) {
    expect(await holds(second.registry, "a")).toBe("taken");
    if (claim.state === "ours") claim.release();
  }
  const isTakenBack = (name: string) => readFileSync(join(root, ".muninn", name), "utf8").includes('"-"');
  await eventually(() => claimFiles(root).some(isTakenBack));
  expect(await holds(second.registry, "a")).toBe("ours");
});

test("if one of several roots is taken, no root stays claimed", async () => {
  const [free, taken] = [temporaryDirectory(), temporaryDirectory()];
  const first = await testRegistry({ roots: [taken] });
  await first.registry.claim("a");
  const second = await testRegistry({ roots: [free, taken] });
  expect(await second.registry.claim("a")).toMatchObject({ state: "taken", root: taken });
  const third = await testRegistry({ roots: [free] });
  await settled();
  expect(await holds(third.registry, "a")).toBe("ours");
});

test("a name that points elsewhere, or to the claims, cannot be claimed", async () => {
  const { registry, log } = await testRegistry();
  for (const name of ["..", "a/b", ".muninn"]) {
    await expect(registry.claim(name)).rejects.toMatchObject({ fault: { code: "log-invalid" } });
    await expect(registry.append(log(name), lines("x"))).rejects.toMatchObject({
      fault: { code: "log-invalid" },
    });
  }
});

test("a second tracer with the same configuration is refused with the name of the first, which continues", async () => {
  const { root, registry, log } = await testRegistry({ identity });
  const refused = testRegistry({ roots: [root], identity });
  await expect(refused).rejects.toMatchObject(alreadyRunning(root));
  await expect(refused).rejects.toThrow(`process ${process.pid}, ${identity}, below ${root}`);
  expect(claimFiles(root)).toHaveLength(1);
  await registry.append(log("a"), lines("1"));
  await registry.stop();
  await testRegistry({ roots: [root], identity });
});

test("if the configuration already runs in one of several roots, no root stays claimed", async () => {
  const { root: taken } = await testRegistry({ identity });
  const free = temporaryDirectory();
  await expect(testRegistry({ roots: [free, taken], identity })).rejects.toMatchObject(alreadyRunning(taken));
  expect(readdirSync(free)).toEqual([]);
});

test("of many simultaneous starts exactly one runs, and of many claims of a directory exactly one succeeds", async () => {
  const root = temporaryDirectory();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, () => testRegistry({ roots: [root], identity })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const registries = await Promise.all(Array.from({ length: 12 }, () => testRegistry({ roots: [root] })));
  const states = await Promise.all(registries.map(({ registry }) => holds(registry, "a")));
  expect(states.filter((state) => state === "ours")).toHaveLength(1);
});

test.each([
  { what: "whose process number is in use, but which does not answer", facts: {} },
  { what: "of a machine that was restarted, and is silent", facts: { machine: "before" }, ageMs: 31_000 },
  { what: "without a socket, and silent", facts: { hasSocket: false }, ageMs: 31_000 },
])("claims of a tracer $what are void", async ({ facts, ageMs = 0 }) => {
  const root = temporaryDirectory();
  const path = leaveClaims(root, { identity, ...facts }, `identity ${identity}`, "directory a");
  const then = new Date(Date.now() - ageMs);
  utimesSync(path, then, then);
  const { registry, log, events } = await testRegistry({ roots: [root], identity });
  expect(await holds(registry, "a")).toBe("ours");
  await registry.append(log("a"), lines("1"));
  expect(existsSync(path)).toBe(false);
  expect(events).toEqual([]);
});

test.each([
  { what: "nothing", put: (path: string) => writeFileSync(path, "") },
  {
    what: "half of what was written",
    put: (path: string) => writeFileSync(path, '000000000001\n{"id":"x","mach'),
  },
  { what: "null", put: (path: string) => writeFileSync(path, "000000000001\nnull\n") },
  { what: "a named pipe", put: (path: string) => execFileSync("mkfifo", [path]) },
  { what: "a link", put: (path: string) => symlinkSync("/dev/zero", path) },
  { what: "a directory", put: (path: string) => mkdirSync(path) },
])("$what instead of somebody's claims blocks nobody", async ({ put }) => {
  const root = temporaryDirectory();
  mkdirSync(join(root, ".muninn"));
  put(join(root, ".muninn", "other.claims"));
  const { registry, log } = await testRegistry({ roots: [root], identity });
  await registry.append(log("a"), lines("1"));
  expect(allText(log("a"))).toBe("1\n");
});

test.each([
  { what: "a named pipe", put: (path: string) => execFileSync("mkfifo", [path]) },
  { what: "a link", put: (path: string, file: string) => symlinkSync(file, path) },
  { what: "a second name of another file", put: (path: string, file: string) => linkSync(file, path) },
  { what: "a directory", put: (path: string) => mkdirSync(path) },
])(
  "$what in the place of our own claims: they are written again elsewhere, and it is not touched",
  async ({ put }) => {
    const { root, registry, clock, log } = await testRegistry();
    await registry.claim("a");
    const path = join(root, ".muninn", claimFiles(root)[0]!);
    const file = join(temporaryDirectory(), "precious");
    writeFileSync(file, "longer than a heartbeat");
    rmSync(path);
    put(path, file);
    clock.advance(10_000);
    await registry.append(log("b"), lines("1"));
    expect(claimFiles(root).some((name) => !path.endsWith(name))).toBe(true);
    expect(readFileSync(file, "utf8")).toBe("longer than a heartbeat");
    const second = await testRegistry({ roots: [root] });
    expect([await holds(second.registry, "a"), await holds(second.registry, "b")]).toEqual([
      "taken",
      "taken",
    ]);
  },
);

test("however many strange files there are, they hide no tracer that was seen alive, and it is said", async () => {
  const { root, registry, events } = await testRegistry();
  const second = await testRegistry({ roots: [root] });
  await second.registry.claim("a");
  expect(await holds(registry, "a")).toBe("taken");
  for (let index = 0; index < 2_000; index += 1) {
    const left = leaveClaims(root, { machine: "another" }, `directory x${index}`);
    renameSync(left, join(root, ".muninn", `0-${index}.claims`));
  }
  expect(await holds(registry, "a")).toBe("taken");
  expect(await holds(registry, "b")).toBe("ours");
  expect(events).toContainEqual(["claimsCrowded", root, 2_001]);
});

test("a start does not wait for tracers that join while it waits: they see its claims", async () => {
  const root = temporaryDirectory();
  leaveClaims(root, { machine: "another" });
  const clock = new FakeClock();
  const opening = testRegistry({ roots: [root], clock });
  const opened = watch(opening);
  for (let second = 0; second < 32 && !opened.isSettled; second += 1) {
    const later = leaveClaims(root, { machine: "another", id: "late" });
    renameSync(later, join(root, ".muninn", `late-${second}.claims`));
    leaveClaims(root, { machine: "another" });
    const then = new Date(Date.now() - 1_000);
    utimesSync(join(root, ".muninn", "other.claims"), then, then);
    await eventually(() => opened.isSettled || clock.pauses.length > 0);
    if (!opened.isSettled) await passPause(clock);
  }
  await eventually(() => opened.isSettled || clock.pauses.length > 0);
  expect(opened.isSettled).toBe(true);
  await opening;
});

test.each([{ machine: "another" }, { hasSocket: false }])(
  "a start that finds a fresh heartbeat of a tracer it cannot ask (%o) waits until it is 30 s old, and reports that",
  async (facts) => {
    const root = temporaryDirectory();
    leaveClaims(root, { pid: 7, identity, ...facts }, `identity ${identity}`, "directory a");
    const clock = new FakeClock();
    const events: unknown[][] = [];
    const opening = testRegistry({ roots: [root], identity, clock, observer: recordingObserver(events) });
    const opened = watch(opening);
    for (let second = 0; second < 30; second += 1) {
      expect(opened.isSettled).toBe(false);
      await passPause(clock);
    }
    await eventually(() => opened.isSettled || clock.pauses.length > 0);
    clock.advance(1_000);
    const { registry } = await opening;
    expect(events).toEqual([["claimAwaited", root, { pid: 7, identity, since: "then" }, expect.any(Number)]]);
    expect(events[0]![3]).toBeGreaterThan(25_000);
    expect(await holds(registry, "a")).toBe("ours");
  },
);

test("a start stops waiting for a tracer on another machine once that sends a heartbeat and so keeps its claims", async () => {
  const root = temporaryDirectory();
  const path = leaveClaims(root, { machine: "another", identity: "other" }, "identity other", "directory a");
  const clock = new FakeClock();
  const opening = testRegistry({ roots: [root], identity, clock });
  await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  utimesSync(path, new Date(Date.now() + 10), new Date(Date.now() + 10));
  await passPause(clock);
  const { registry } = await opening;
  expect(await holds(registry, "a")).toBe("taken");
  expect(await holds(registry, "b")).toBe("ours");
});

test("a start that waits for another machine's tracer ends at once when it is stopped, and claims nothing", async () => {
  const root = temporaryDirectory();
  leaveClaims(root, { machine: "another", identity }, `identity ${identity}`);
  const clock = new FakeClock();
  const controller = new AbortController();
  const { signal: stopping } = controller;
  const opening = testRegistry({ roots: [root], identity, clock, stopping });
  await eventually(() => clock.pauses.length > 0);
  controller.abort();
  await expect(opening).rejects.toBe(stopping.reason);
  expect(claimFiles(root)).toHaveLength(1);
  expect(clock.timers).toBe(0);
});

test("the same configuration running on another machine is refused", async () => {
  const root = temporaryDirectory();
  const path = leaveClaims(root, { machine: "another", pid: 7, identity }, `identity ${identity}`);
  const clock = new FakeClock();
  const refused = expect(testRegistry({ roots: [root], identity, clock })).rejects.toMatchObject(
    alreadyRunning(root, { pid: 7 }),
  );
  await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  utimesSync(path, new Date(Date.now() + 10), new Date(Date.now() + 10));
  await passPause(clock);
  await refused;
});

test("a heartbeat is written every 10 s", async () => {
  const { root, clock } = await testRegistry();
  const path = join(root, ".muninn", claimFiles(root)[0]!);
  const old = new Date(Date.now() - 60_000);
  utimesSync(path, old, old);
  clock.advance(9_999);
  await settled();
  const before = statSync(path).mtimeMs;
  expect(before).toBeLessThan(Date.now() - 50_000);
  clock.advance(1);
  await eventually(() => statSync(path).mtimeMs > before);
});

test("a root with a path too long for a socket still has a socket that answers", async () => {
  const root = join(temporaryDirectory(), "x".repeat(200));
  const { registry } = await testRegistry({ roots: [root], identity });
  await expect(testRegistry({ roots: [root], identity })).rejects.toMatchObject(alreadyRunning(root));
  await registry.stop();
  expect(readdirSync(root)).toEqual([]);
});

test("deleted claims are created again, and hold", async () => {
  const { root, registry, clock } = await testRegistry();
  await registry.claim("a");
  rmSync(join(root, ".muninn"), { recursive: true });
  clock.advance(10_000);
  await eventually(() => existsSync(join(root, ".muninn")) && claimFiles(root).length === 1);
  const second = await testRegistry({ roots: [root] });
  expect(await holds(second.registry, "a")).toBe("taken");
});

test("a tracer whose claims were deleted stops writing to a directory that another has claimed meanwhile", async () => {
  const { root, registry, log, clock } = await testRegistry();
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  rmSync(join(root, ".muninn"), { recursive: true });
  const second = await testRegistry({ roots: [root] });
  expect(await holds(second.registry, "a")).toBe("ours");
  clock.advance(10_000);
  await eventually(() => claimFiles(root).length === 2);
  await settled();
  const append = registry.append(log("a"), lines("2"));
  await eventually(() => registry.faults().length > 0);
  expect(registry.faults()).toMatchObject([{ error: { code: "EBUSY" } }]);
  expect(allText(log("a"))).toBe("1\n");
  await second.registry.stop();
  await eventually(() => {
    clock.advance(100);
    return registry.faults().length === 0;
  });
  await append;
  expect(fileNames(log("a"))).toHaveLength(2);
  expect(allText(log("a"))).toBe("1\n2\n");
});

test("a claim file does not grow without limit while nodes come and go", async () => {
  const { root, registry, log } = await testRegistry();
  const kept = await registry.claim("kept");
  for (let round = 0; round < 40; round += 1) {
    const ids = Array.from({ length: 50 }, (_, index) => log(`node-${index}`));
    const claims = await Promise.all(ids.map(({ directory }) => registry.claim(directory)));
    for (const claim of claims) if (claim.state === "ours") claim.release();
  }
  await settled();
  expect(kept.state).toBe("ours");
  expect(statSync(join(root, ".muninn", claimFiles(root)[0]!)).size).toBeLessThan(60_000);
  const second = await testRegistry({ roots: [root] });
  expect(await holds(second.registry, "kept")).toBe("taken");
});

test("old files in the directory of another running tracer are not deleted", async () => {
  const rotation = { frequencyMs: 60_000, limitBytes: 1_000, maxAgeMs: 1_000, keepFiles: 0 };
  const { root, registry, log } = await testRegistry({ rotation });
  const second = await testRegistry({ roots: [root] });
  await second.registry.claim("theirs");
  for (const directory of ["theirs", "nobodys"]) {
    for (const seconds of [-2_000, -1_000]) leaveFile(log(directory), nameAfter(seconds), "\n");
  }
  await registry.expire();
  expect([fileNames(log("theirs")).length, fileNames(log("nobodys")).length]).toEqual([2, 1]);
  await second.registry.stop();
  await registry.expire();
  expect(fileNames(log("theirs"))).toHaveLength(1);
});

test("the lock file of an earlier version is deleted, whatever its content", async () => {
  const root = temporaryDirectory();
  writeFileSync(join(root, ".muninn.lock"), JSON.stringify({ pid: process.pid }));
  await testRegistry({ roots: [root] });
  expect(readdirSync(root)).toEqual([".muninn"]);
});

test("after a stop the root is free again", async () => {
  const { root, registry } = await testRegistry({ identity });
  await registry.stop();
  const again = await testRegistry({ roots: [root], identity });
  await again.registry.append(again.log("a"), lines("x"));
  expect(allText(again.log("a"))).toBe("x\n");
});

test("if another tracer holds a directory below a recreated root, lines wait", async () => {
  const root = join(temporaryDirectory(), "logs");
  const { registry, log, clock } = await testRegistry({ roots: [root] });
  registry.acquire(log("a"));
  await registry.append(log("a"), lines("1"));
  renameSync(root, `${root}-moved`);
  const second = await testRegistry({ roots: [root] });
  await second.registry.append(log("a"), lines("theirs"));
  await registry.append(log("a"), lines("safe in the file moved away"));
  clock.advance(10_000);
  await eventually(() => claimFiles(root).length === 2);
  await settled();
  const append = watch(registry.append(log("a"), lines("2")));
  await eventually(() => clock.pauses.length > 0);
  expect(registry.faults()).toMatchObject([{ error: { code: "EBUSY" } }]);
  expect(append.isSettled).toBe(false);
  expect(allText(log("a"))).toBe("theirs\n");
});

test("the same root under several paths is one root, with one file for each log", async () => {
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

test("a root given as a link is resolved once, at the start", async () => {
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
    what: "has a file in the claims' place",
    put: (root: string) => {
      mkdirSync(root);
      writeFileSync(join(root, ".muninn"), "");
    },
  },
  {
    what: "has a link in the claims' place",
    put: (root: string) => {
      mkdirSync(root);
      symlinkSync(dirname(root), join(root, ".muninn"));
    },
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

test("a missing root is created with its parent directories", async () => {
  const root = join(temporaryDirectory(), "x", "y", "logs");
  const { registry, log } = await testRegistry({ roots: [root], dirMode: 0o757 });
  await registry.append(log("a"), lines("x"));
  expect(allText(log("a"))).toBe("x\n");
  for (const made of [dirname(root), root, join(root, "a")]) expect(statSync(made).mode & 0o777).toBe(0o757);
});
