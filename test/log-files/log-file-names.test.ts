import fc from "fast-check";
import { expect, test } from "vitest";
import {
  logFileName,
  logFilesAmong,
  newestAmong,
  secondForNew,
  secondInName,
} from "../../src/log-files/log-file-names.js";

const latest = Date.parse("9999-12-31T23:59:59Z") / 1_000;

test("a name contains its second, and names sort by time", () => {
  const second = fc.integer({ min: 0, max: latest });
  fc.assert(
    fc.property(second, second, fc.constantFrom("json", "log"), (a, b, extension) => {
      const [nameA, nameB] = [logFileName(a, extension), logFileName(b, extension)];
      expect(secondInName(nameA, extension)).toBe(a);
      expect(Math.sign(Number(nameA > nameB) - Number(nameA < nameB))).toBe(Math.sign(a - b));
    }),
  );
});

test("the time in a name is UTC", () => {
  expect(logFileName(1_771_234_201, "json")).toBe("node-2026-02-16T09-30-01.json");
});

test.each([
  "node-2026-02-16T09-30-01.log",
  "node-2026-02-16T09-30-01",
  "node-2026-02-16T09-30-01.json ",
  " node-2026-02-16T09-30-01.json",
  "node-2026-02-16T09-30-01.json\n",
  "node-2026-02-16T09-30-01xjson",
  "node-2026-02-16 09-30-01.json",
  "node-2026-2-16T09-30-01.json",
  "node-2026-02-30T09-30-01.json",
  "node-2026-13-16T09-30-01.json",
  "node-2026-02-16T24-00-00.json",
  "node-2026-02-16T09-60-01.json",
  "node-2026-02-16T09-30-60.json",
  "node-12026-02-16T09-30-01.json",
  "node.json",
])("%j is not the name of a JSON log file", (name) => {
  expect(secondInName(name, "json")).toBeUndefined();
});

test("log files are selected by their extension, oldest first", () => {
  const names = [
    "node-2026-02-16T09-30-02.json",
    "x",
    "node-2026-02-16T09-30-01.json",
    "node-2026-02-16T09-30-00.log",
  ];
  expect(logFilesAmong(names, "json")).toEqual([
    "node-2026-02-16T09-30-01.json",
    "node-2026-02-16T09-30-02.json",
  ]);
});

const now = Date.parse("2026-02-16T09:30:01.900Z");
const name = (time: string) => `node-${time.replaceAll(":", "-")}.json`;

test.each([
  { what: "nothing is there", names: [], last: undefined, next: "2026-02-16T09:30:01" },
  {
    what: "the newest is older",
    names: ["2026-02-16T09:29:00"],
    last: undefined,
    next: "2026-02-16T09:30:01",
  },
  {
    what: "the newest is of this second",
    names: ["2026-02-16T09:30:01"],
    last: undefined,
    next: "2026-02-16T09:30:02",
  },
  {
    what: "the newest is from the future",
    names: ["2028-01-01T00:00:00", "2026-01-01T00:00:00"],
    last: undefined,
    next: "2028-01-01T00:00:01",
  },
  {
    what: "the last one, of this second, was moved away",
    names: [],
    last: "2026-02-16T09:30:01",
    next: "2026-02-16T09:30:02",
  },
  {
    what: "the last one, a little ahead, was moved away",
    names: ["2026-02-16T09:30:01"],
    last: "2026-02-16T09:30:02",
    next: "2026-02-16T09:30:03",
  },
  {
    what: "the last one, ahead by a minute, was moved away",
    names: [],
    last: "2026-02-16T09:31:01",
    next: "2026-02-16T09:31:02",
  },
  {
    what: "the last one, ahead by more than a minute, was moved away",
    names: [],
    last: "2026-02-16T09:31:02",
    next: "2026-02-16T09:30:01",
  },
  {
    what: "all from the future were moved away",
    names: ["2026-02-16T09:29:00"],
    last: "2028-01-01T00:00:00",
    next: "2026-02-16T09:30:01",
  },
  {
    what: "the last one was moved away, one from the future is left",
    names: ["2028-01-01T00:00:00"],
    last: "2028-01-01T00:00:01",
    next: "2028-01-01T00:00:02",
  },
  {
    what: "a file is at the end of all time",
    names: ["9999-12-31T23:59:59"],
    last: undefined,
    next: "2026-02-16T09:30:01",
  },
  {
    what: "no name could follow the newest for long",
    names: ["9999-12-30T23:59:59"],
    last: undefined,
    next: "2026-02-16T09:30:01",
  },
])("if $what, a new file is named for $next", ({ names, last, next }) => {
  const second = secondForNew(names.map(name), "json", now, last === undefined ? undefined : name(last));
  expect(logFileName(second, "json")).toBe(name(next));
});

test("the newest file is the last one by a name that others can follow", () => {
  const names = ["2026-01-01T00:00:00", "2028-01-01T00:00:00", "9999-12-31T00:00:00"].map(name);
  expect(newestAmong(names, "json")).toBe(name("2028-01-01T00:00:00"));
  expect(newestAmong(names, "log")).toBeUndefined();
  expect(newestAmong([name("9999-12-31T23:59:59")], "json")).toBeUndefined();
});

test("the newest is found among names in any order", () => {
  const names = Array.from({ length: 5_000 }, (_, second) => logFileName(1_800_000_000 + second, "json"));
  const shuffled = names.map((_, n) => names[(n * 1_999) % names.length]!);
  for (const order of [names, names.toReversed(), shuffled])
    expect(newestAmong([...order, "node.json", "node-zzz.json"], "json")).toBe(names.at(-1));
});
