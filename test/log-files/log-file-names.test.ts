import fc from "fast-check";
import { expect, test } from "vitest";
import { logFileName, logFilesAmong, secondInName } from "../../src/log-files/log-file-names.js";

const latest = Date.parse("9999-12-31T23:59:59Z") / 1_000;

test("a name tells its second, and names sort as their seconds do", () => {
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
])("%j is no name of a JSON log file", (name) => {
  expect(secondInName(name, "json")).toBeUndefined();
});

test("log files among names are those of one extension, oldest first", () => {
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
