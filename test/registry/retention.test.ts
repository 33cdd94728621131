import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { errno, Gate } from "./interposed-file-system.js";
import {
  eventually,
  fileNames,
  leaveFile,
  lines,
  nameAfter,
  settled,
  temporaryDirectory,
  testRegistry,
  watch,
} from "./test-registry.js";

const hour = 3_600;
const rules = { frequencyMs: 60_000, limitBytes: 1_000, maxAgeMs: hour * 1_000, keepFiles: 0 };

test("the age of a file counts from its end, which the name of the next file gives", async () => {
  const { registry, log } = await testRegistry({ rotation: rules });
  // Started five hours ago, ended four hours ago; started four hours ago, ended half an hour ago; the newest.
  for (const begun of [-5 * hour, -4 * hour, -0.5 * hour]) leaveFile(log("a"), nameAfter(begun), "\n");
  await registry.expire();
  expect(fileNames(log("a"))).toEqual([nameAfter(-4 * hour), nameAfter(-0.5 * hour)]);
});

test.each([
  { what: "exactly the maximum age ago", endedAt: -hour, kept: true },
  { what: "a second longer ago", endedAt: -hour - 1, kept: false },
])("a file that ended $what is kept: $kept", async ({ endedAt, kept }) => {
  const { registry, log } = await testRegistry({ rotation: rules });
  leaveFile(log("a"), nameAfter(-10 * hour), "\n");
  leaveFile(log("a"), nameAfter(endedAt), "\n");
  await registry.expire();
  expect(fileNames(log("a")).includes(nameAfter(-10 * hour))).toBe(kept);
  expect(fileNames(log("a")).includes(nameAfter(endedAt))).toBe(true);
});

test.each([0, 1, 2, 3, 4, 5])(
  "of five old files and the newest, %i old ones are kept in addition to the newest, however old they are",
  async (keepFiles) => {
    const { registry, log } = await testRegistry({ rotation: { ...rules, keepFiles } });
    const names = [-60, -50, -40, -30, -20, -10].map((hours) => nameAfter(hours * hour));
    for (const name of names) leaveFile(log("a"), name, "\n");
    await registry.expire();
    expect(fileNames(log("a"))).toEqual(names.slice(5 - keepFiles));
    expect(registry.stats().expired).toBe(5 - keepFiles);
  },
);

test("files are counted separately for each directory and extension", async () => {
  const { registry, log } = await testRegistry({ rotation: { ...rules, keepFiles: 1 } });
  for (const directory of ["a", "b"]) {
    for (const extension of ["json", "log"] as const) {
      for (const hours of [-30, -20, -10])
        leaveFile(log(directory, extension), nameAfter(hours * hour, extension), "\n");
    }
  }
  await registry.expire();
  for (const directory of ["a", "b"]) {
    for (const extension of ["json", "log"] as const) {
      const kept = [-20, -10].map((hours) => nameAfter(hours * hour, extension));
      expect(fileNames(log(directory, extension))).toEqual(kept);
    }
  }
});

test("each deleted file is reported and counted", async () => {
  const { registry, log, events, root } = await testRegistry({ rotation: rules });
  leaveFile(log("a"), nameAfter(-30 * hour), "\n");
  leaveFile(log("a"), nameAfter(-20 * hour), "\n");
  await registry.expire();
  expect(events).toEqual([["expired", join(root, "a", nameAfter(-30 * hour))]]);
  expect(registry.stats().expired).toBe(1);
});

test("retention covers every directory below the root, whatever its name, and whether or not its node is connected", async () => {
  const { registry, log } = await testRegistry({ rotation: rules });
  const directories = [".hidden", "[a]{b,c}", "back\\slash", "🦉", "-rf", "a b", "!(x)", "line\nfeed"];
  for (const directory of directories) {
    leaveFile(log(directory), nameAfter(-30 * hour), "\n");
    leaveFile(log(directory), nameAfter(-20 * hour), "\n");
  }
  await registry.expire();
  for (const directory of directories) expect(fileNames(log(directory))).toEqual([nameAfter(-20 * hour)]);
});

test("only files of exactly Muninn's form, exactly one directory below the root, are touched", async () => {
  const { registry, log, root } = await testRegistry({ rotation: rules });
  const strangers = [
    "node-2001-01-01T00-00-00.json.gz",
    "node-2001-02-30T00-00-00.json",
    "node-2001-01-01.json",
    "node-2001-01-01T00-00-00.txt",
    "node-2001-01-01t00-00-00.json",
    "notes.json",
  ];
  for (const name of strangers) leaveFile(log("a"), name, "mine");
  const old = "node-2001-01-01T00-00-00.json";
  for (const place of ["", "a/deeper", "a/deeper/still"]) {
    leaveFile({ ...log(place) }, old, "mine");
    leaveFile({ ...log(place) }, "node-2001-01-02T00-00-00.json", "mine");
  }
  mkdirSync(join(root, "a", old));
  const before = readdirSync(root, { recursive: true }).sort();
  await registry.expire();
  expect(readdirSync(root, { recursive: true }).sort()).toEqual(before);
  expect(registry.stats().expired).toBe(0);
});

test("symbolic links are followed neither to a directory nor to a file", async () => {
  const { registry, log, root } = await testRegistry({ rotation: rules });
  const elsewhere = { ...log("x"), root: temporaryDirectory() };
  const names = [nameAfter(-30 * hour), nameAfter(-20 * hour)];
  for (const name of names) leaveFile(elsewhere, name, "not ours");
  symlinkSync(join(elsewhere.root, "x"), join(root, "linked"));
  mkdirSync(join(root, "a"));
  symlinkSync(join(elsewhere.root, "x", names[0]!), join(root, "a", nameAfter(-50 * hour)));
  leaveFile(log("a"), nameAfter(-40 * hour), "\n");
  await registry.expire();
  expect(fileNames(elsewhere)).toEqual(names);
  expect(lstatSync(join(root, "a", nameAfter(-50 * hour))).isSymbolicLink()).toBe(true);
});

test("a file from the future is not old, and does not age others", async () => {
  const { registry, log } = await testRegistry({ rotation: rules });
  const names = [nameAfter(-30 * hour), nameAfter(-20 * hour), nameAfter(5 * hour), nameAfter(50 * hour)];
  for (const name of names) leaveFile(log("a"), name, "\n");
  await registry.expire();
  expect(fileNames(log("a"))).toEqual(names.slice(1));
});

test.each([
  { what: "open", idleTimeoutMs: 0 },
  { what: "closed for idleness", idleTimeoutMs: 1_000 },
])(
  "the current file is never deleted while its handle is $what, even if it is not the newest",
  async ({ idleTimeoutMs }) => {
    const { registry, log, clock } = await testRegistry({ rotation: rules, idleTimeoutMs });
    registry.acquire(log("a"));
    await registry.append(log("a"), lines("x"));
    leaveFile(log("a"), nameAfter(1), "somebody else's\n");
    leaveFile(log("a"), nameAfter(2), "somebody else's\n");
    clock.advance(9 * hour * 1_000);
    // An expiry may be in progress that started when less time had passed.
    await registry.expire();
    await registry.expire();
    expect(registry.stats().openNow).toBe(idleTimeoutMs === 0 ? 1 : 0);
    expect(fileNames(log("a"))).toEqual([nameAfter(0), nameAfter(2)]);
  },
);

test("old files are deleted once per rotation frequency", async () => {
  const { log, clock, registry } = await testRegistry({ rotation: rules });
  await registry.expire();
  for (const seconds of [-7_000, -30]) leaveFile(log("a"), nameAfter(seconds), "\n");
  clock.advance(3_540_000);
  await registry.expire();
  expect(fileNames(log("a"))).toHaveLength(2);
  clock.advance(60_000);
  await eventually(() => fileNames(log("a")).length === 1);
});

test("without rotation nothing is ever deleted", async () => {
  const { registry, log } = await testRegistry();
  for (const hours of [-30, -20]) leaveFile(log("a"), nameAfter(hours * hour), "\n");
  await registry.expire();
  expect(fileNames(log("a"))).toHaveLength(2);
  expect(registry.expiryFaults()).toEqual([]);
});

test("a file that cannot be deleted delays no other, and is reported once, and again after a success", async () => {
  const { registry, log, disk, events, root } = await testRegistry({ rotation: rules });
  const fill = (directory: string) => {
    for (const hours of [-30, -20]) leaveFile(log(directory), nameAfter(hours * hour), "\n");
  };
  const refuse = () => {
    disk.rules.unlink = async (real, path) => {
      if (path.includes("/stuck/")) throw errno("EPERM", "unlink");
      return real(path);
    };
  };
  for (const directory of ["a", "stuck", "z"]) fill(directory);
  refuse();
  await registry.expire();
  await registry.expire();
  const failures = () => events.filter(([event]) => event === "expiryFailed");
  expect(failures()).toEqual([["expiryFailed", root, expect.objectContaining({ code: "EPERM" })]]);
  expect(registry.expiryFaults()).toEqual([
    { root, code: "undeletable", error: expect.objectContaining({ code: "EPERM" }) },
  ]);
  expect(["a", "stuck", "z"].map((directory) => fileNames(log(directory)).length)).toEqual([1, 2, 1]);
  delete disk.rules.unlink;
  await registry.expire();
  expect(fileNames(log("stuck"))).toHaveLength(1);
  expect(registry.expiryFaults()).toEqual([]);
  fill("stuck");
  refuse();
  await registry.expire();
  expect(failures()).toHaveLength(2);
});

test("an unreadable directory delays no other, and is reported", async () => {
  const { registry, log, disk, events } = await testRegistry({ rotation: rules });
  for (const directory of ["a", "denied", "z"]) {
    for (const hours of [-30, -20]) leaveFile(log(directory), nameAfter(hours * hour), "\n");
  }
  disk.rules.readdir = async (real, path, isWanted) => {
    if (path.endsWith("/denied")) throw errno("EACCES", "scandir");
    return real(path, isWanted);
  };
  await registry.expire();
  expect(["a", "denied", "z"].map((directory) => fileNames(log(directory)).length)).toEqual([1, 2, 1]);
  expect(events.filter(([event]) => event === "expiryFailed")).toHaveLength(1);
});

test("a directory that vanishes meanwhile is not a failure", async () => {
  const { registry, log, disk, events, root } = await testRegistry({ rotation: rules });
  for (const directory of ["a", "gone"]) {
    for (const hours of [-30, -20]) leaveFile(log(directory), nameAfter(hours * hour), "\n");
  }
  disk.rules.readdir = async (real, path, isWanted) => {
    if (path.endsWith("/gone")) rmSync(join(root, "gone"), { recursive: true });
    return real(path, isWanted);
  };
  await registry.expire();
  expect(fileNames(log("a"))).toHaveLength(1);
  expect(events.map(([event]) => event)).toEqual(["expired"]);
});

test("only one expiry runs at a time: a request during one waits for it", async () => {
  const { registry, log, disk } = await testRegistry({ rotation: rules });
  await registry.expire();
  leaveFile(log("a"), nameAfter(-30 * hour), "\n");
  const gate = new Gate();
  disk.rules.readdir = gate.rule;
  const both = Promise.all([registry.expire(), registry.expire()]);
  await eventually(() => gate.arrived > 0);
  await settled();
  expect(gate.arrived).toBe(1);
  gate.open();
  await both;
  expect(gate.arrived).toBe(2);
});

test("a stop ends the deletion of old files", async () => {
  const { registry, log, disk, clock } = await testRegistry({ rotation: rules });
  await registry.expire();
  for (let hours = 10; hours < 40; hours += 1) leaveFile(log("a"), nameAfter(-hours * hour), "\n");
  const gate = new Gate();
  disk.rules.unlink = gate.rule;
  const expired = registry.expire();
  await eventually(() => gate.arrived === 1);
  const stopped = watch(registry.stop({ deadlineMs: 10_000 }));
  await settled();
  expect(stopped.isSettled).toBe(false);
  gate.open();
  await expired;
  await eventually(() => stopped.isSettled);
  expect(fileNames(log("a"))).toHaveLength(29);
  expect(clock.timers).toBe(0);
  expect(existsSync(join(log("a").root, ".muninn"))).toBe(false);
});

test("a stop ends the reading of a large directory, which is no failure", async () => {
  const { registry, log, disk, events } = await testRegistry({ rotation: rules });
  await registry.expire();
  for (let index = 0; index < 4_000; index += 1) leaveFile(log("a"), nameAfter(-10 * hour + index), "");
  let seen = 0;
  disk.rules.readdir = async (real, path, isWanted) =>
    real(path, (entry) => {
      seen += 1;
      if (seen === 10) void registry.stop();
      return isWanted?.(entry) ?? true;
    });
  await registry.expire();
  expect(seen).toBeLessThan(2_000);
  expect(events).toEqual([]);
});

test("a directory with thousands of files is looked through with pauses", async () => {
  const { registry, log } = await testRegistry({ rotation: { ...rules, keepFiles: 100_000 } });
  for (let index = 0; index < 8_000; index += 1)
    leaveFile(log("a"), nameAfter(-10 * hour + index, index % 2 === 0 ? "json" : "log"), "");
  const read = vi.spyOn(Date.prototype, "getUTCDate");
  let mostInTurn = 0;
  let isOver = false;
  const turn = () => {
    mostInTurn = Math.max(mostInTurn, read.mock.calls.length);
    read.mockClear();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await registry.expire();
  isOver = true;
  read.mockRestore();
  expect(mostInTurn).toBeGreaterThan(100);
  expect(mostInTurn).toBeLessThan(1_500);
});
