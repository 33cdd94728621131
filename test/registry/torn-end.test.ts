import { expect, test } from "vitest";
import { errno } from "./interposed-file-system.js";
import {
  allText,
  eventually,
  fileNames,
  leaveFile,
  lines,
  nameAfter,
  passPause,
  testRegistry,
  textOf,
} from "./test-registry.js";

const object = '{"at":"2026-02-16T09:30:01Z","data":{"kind":"x"}}';

test.each([
  { what: "half an object", left: `${object}\n{"at":"20`, torn: 1 },
  { what: "half an object, alone", left: '{"at":"20', torn: 1 },
  { what: "half a character", left: Buffer.from('{"at":"é').subarray(0, 8).toString("latin1"), torn: 1 },
  {
    what: "a whole object without line feed, as cardano-tracer leaves it",
    left: `\n${object}\n${object}`,
    torn: 0,
  },
  { what: "a line longer than one step of reading", left: `${object}\n"${"x".repeat(200_000)}`, torn: 1 },
  {
    what: "a whole line longer than one step of reading",
    left: `${object}\n"${"x".repeat(200_000)}"`,
    torn: 0,
  },
  {
    what: "a whole object with brackets and quotes in its texts",
    left: '{"a":"}\\\\\\"{[","b":[{"c":"]"}]}',
    torn: 0,
  },
  { what: "half an object that ends in a bracket", left: '{"a":{"b":[1]}', torn: 1 },
  { what: "half an object that ends in a quote", left: '{"a":"\\\\\\"', torn: 1 },
  { what: "an object, and half of another one in the same line", left: `${object}{"at"`, torn: 1 },
  { what: "two objects in the same line", left: `${object}${object}`, torn: 1 },
  { what: "zeros, as after a power failure", left: `${object}\0\0\0`, torn: 1 },
  { what: "a whole line of exactly one step", left: `"${"x".repeat(65_534)}"`, torn: 0 },
  { what: "a whole line one byte longer than a step", left: `\n"${"x".repeat(65_534)}"`, torn: 0 },
])("a file that ends in $what gets a line feed and counts as torn $torn times", async ({ left, torn }) => {
  const { registry, log, events } = await testRegistry();
  const path = leaveFile(log("a"), nameAfter(-5), left);
  await registry.append(log("a"), lines("next"));
  expect(allText(log("a"))).toBe(`${left}\nnext\n`);
  expect(registry.stats().tornClosed).toBe(torn);
  expect(events).toEqual(torn === 0 ? [] : [["tornClosed", path]]);
});

test("the line feed that closes a torn line counts for the file's size", async () => {
  const left = '{"torn"';
  const limitBytes = left.length + 1;
  const { registry, log } = await testRegistry({
    rotation: { frequencyMs: 60_000, limitBytes, maxAgeMs: 1e12, keepFiles: 10 },
  });
  leaveFile(log("a"), nameAfter(-5), left);
  await registry.append(log("a"), lines("next"));
  expect(fileNames(log("a"))).toHaveLength(2);
  expect(textOf(log("a"), nameAfter(-5))).toBe(`${left}\n`);
});

test.each([
  { what: "a file of cardano-tracer, which begins with a line feed", left: "\nwhole line", torn: 0 },
  { what: "a file that does not, which is ours", left: "[2026-02-16 09:30", torn: 1 },
])(
  "a last line of text for people without a line feed counts as torn $torn times in $what",
  async ({ left, torn }) => {
    const { registry, log } = await testRegistry();
    leaveFile(log("a", "log"), nameAfter(-5, "log"), left);
    await registry.append(log("a", "log"), lines("next"));
    expect(allText(log("a", "log"))).toBe(`${left}\nnext\n`);
    expect(registry.stats().tornClosed).toBe(torn);
  },
);

test.each([
  { what: "whole", left: `${object}\n` },
  { what: "empty", left: "" },
  { what: "nothing but a line feed", left: "\n" },
])("a file that is $what gets no line feed", async ({ left }) => {
  const { registry, log } = await testRegistry();
  leaveFile(log("a"), nameAfter(-5), left);
  await registry.append(log("a"), lines("next"));
  expect(allText(log("a"))).toBe(`${left}next\n`);
  expect(registry.stats().tornClosed).toBe(0);
});

test("a torn end is closed even in a file that has no room for more", async () => {
  const rotation = { frequencyMs: 60_000, limitBytes: 5, maxAgeMs: 1e12, keepFiles: 10 };
  const { registry, log } = await testRegistry({ rotation });
  leaveFile(log("a"), nameAfter(-5), '{"at":');
  await registry.append(log("a"), lines("next"));
  expect(fileNames(log("a")).map((name) => textOf(log("a"), name))).toEqual(['{"at":\n', "next\n"]);
  expect(registry.stats().tornClosed).toBe(1);
});

test("a last line too long to be read counts as torn, and hardly any of it is read", async () => {
  const { registry, log, disk } = await testRegistry();
  const bytes = 31 * 1_024 * 1_024;
  leaveFile(log("a"), nameAfter(-5), `"${"x".repeat(bytes)}"`);
  await registry.append(log("a"), lines("next"));
  expect(allText(log("a")).endsWith('x"\nnext\n')).toBe(true);
  expect(registry.stats().tornClosed).toBe(1);
  expect(disk.calls.filter((call) => call === "read").length).toBeLessThan(20);
});

test("an end is checked once: a file opened again later is not read", async () => {
  const { registry, log, disk } = await testRegistry({ maxOpenFiles: 1 });
  leaveFile(log("a"), nameAfter(-5), "{");
  registry.acquire(log("a"));
  for (const directory of ["a", "b", "a"]) await registry.append(log(directory), lines("x"));
  expect(allText(log("a"))).toBe("{\nx\nx\n");
  expect(disk.calls.filter((call) => call === "read")).toHaveLength(2);
  expect(registry.stats()).toMatchObject({ tornClosed: 1, reopened: 1 });
});

test("an end that cannot be closed yet is closed once, when it can be", async () => {
  const { registry, log, disk, clock } = await testRegistry({ maxOpenFiles: 1 });
  leaveFile(log("a"), nameAfter(-5), "{");
  disk.rules.write = () => Promise.reject(errno("ENOSPC"));
  const append = registry.append(log("a"), lines("x"));
  await passPause(clock);
  await eventually(() => clock.pauses.length > 0);
  expect(registry.stats()).toMatchObject({ tornClosed: 0, openNow: 0 });
  expect(disk.descriptors.size).toBe(0);
  delete disk.rules.write;
  await passPause(clock);
  await append;
  expect(allText(log("a"))).toBe("{\nx\n");
  expect(registry.stats().tornClosed).toBe(1);
});
