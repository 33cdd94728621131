import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLog } from "../../../src/daemon/log/log.js";
import { leastSeverity, logSeverities } from "../../../src/daemon/log/severity.js";
import { Pipe } from "./pipe.js";

const methods = logSeverities.map((severity) => severity.toLowerCase() as Lowercase<typeof severity>);

function parsed(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("a line is JSON with level, time, event, facts and message", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  log.warning("disk_full", "the disk is full", { path: "/logs", free: 0 });
  await log.stop({ deadlineMs: 10_000 });
  expect(parsed(pipe.read())).toEqual([
    {
      level: "warning",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      event: "disk_full",
      path: "/logs",
      free: 0,
      msg: "the disk is full",
    },
  ]);
});

test("an error is logged with its stack and its cause", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  log.error("failed", "it failed", { err: new Error("outer", { cause: new Error("inner") }) });
  await log.stop({ deadlineMs: 10_000 });
  expect(parsed(pipe.read())[0]).toMatchObject({
    err: { message: "outer: inner", stack: expect.stringContaining("caused by: Error: inner") },
  });
});

test.each([
  ["nothing", {}, "Info"],
  ["verbosity Minimum", { verbosity: "Minimum" }, "Notice"],
  ["verbosity ErrorsOnly", { verbosity: "ErrorsOnly" }, "Error"],
  ["verbosity Maximum", { verbosity: "Maximum" }, "Debug"],
  ["--min-log-severity against verbosity", { minSeverity: "Alert", verbosity: "Maximum" }, "Alert"],
  ["--min-log-severity alone", { minSeverity: "Debug" }, "Debug"],
] as const)("with %s only the severities from the minimum up are logged", async (_, wishes, least) => {
  expect(leastSeverity(wishes)).toBe(least);
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer, ...wishes });
  for (const method of methods) log[method]("event", "message");
  await log.stop({ deadlineMs: 10_000 });
  expect(parsed(pipe.read()).map(({ level }) => level)).toEqual(methods.slice(logSeverities.indexOf(least)));
});

test("a reader that stalls delays nothing; lines that do not fit are dropped whole, counted and reported", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer, maxPendingBytes: 200_000 });
  const count = 10_000;
  // More than the pipe and the queue can hold; the calls return although nobody reads.
  for (let index = 0; index < count; index += 1) log.info("line", "x".repeat(100), { index });
  const said = (text: string) => text.includes('"log_lines_dropped"') && text.endsWith("\n");
  const lines = parsed(await pipe.readUntil(said));

  const kept = lines.filter(({ event }) => event === "line").map(({ index }) => index);
  const [dropped] = lines.filter(({ event }) => event === "log_lines_dropped");
  expect(kept).toEqual(kept.map((_, index) => index));
  expect(kept.length).toBeGreaterThan(0);
  expect(dropped).toMatchObject({ level: "warning", lines: count - kept.length });

  log.info("later", "there is room again");
  const later = parsed(await pipe.readUntil((text) => text.includes('"later"') && text.endsWith("\n")));
  expect(later.at(-1)).toMatchObject({ event: "later" });
  await log.stop({ deadlineMs: 10_000 });
});

test("as much as a mebibyte waits for a reader that stalls, besides what the pipe holds", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  for (let index = 0; index < 25_000; index += 1) log.info("line", "x".repeat(100));
  const text = await pipe.readUntil((all) => all.includes('"log_lines_dropped"') && all.endsWith("\n"));
  expect(text.length).toBeGreaterThan(2 ** 20);
  expect(text.length).toBeLessThan(2 ** 20 + 200_000);
  await log.stop({ deadlineMs: 10_000 });
});

test("the minimum severity can be changed while the log is open", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  log.info("first", "shown");
  log.show({ verbosity: "ErrorsOnly" });
  log.info("second", "not shown");
  log.show({ minSeverity: "Debug", verbosity: "ErrorsOnly" });
  log.debug("third", "shown");
  await log.stop({ deadlineMs: 10_000 });
  expect(parsed(pipe.read()).map(({ event }) => event)).toEqual(["first", "third"]);
});

test("dropped lines are reported even if warnings are not logged", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer, minSeverity: "Emergency", maxPendingBytes: 1_000 });
  log.emergency("long", "x".repeat(2_000));
  const lines = parsed(await pipe.readUntil((text) => text.endsWith("\n")));
  expect(lines).toMatchObject([{ event: "log_lines_dropped", lines: 1 }]);
  await log.stop({ deadlineMs: 10_000 });
});

test("a tap gets each line that is logged until it is removed", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  const taken: unknown[] = [];
  const untap = log.tap((line) => taken.push(parsed(line)[0]?.event));
  log.info("one", "one");
  log.debug("hidden", "hidden");
  untap();
  log.info("two", "two");
  expect(taken).toEqual(["one"]);
  await log.stop({ deadlineMs: 1_000 });
});

test("a stop writes pending lines first", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  for (let index = 0; index < 5_000; index += 1) log.info("line", "x".repeat(100), { index });
  const reading = pipe.readUntil((text) => text.includes('"index":4999') && text.endsWith("\n"));
  await log.stop({ deadlineMs: 60_000 });
  expect(parsed(await reading).length).toBe(5_000);
});

test("a stop ends at its deadline even if nobody reads", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  for (let index = 0; index < 5_000; index += 1) log.info("line", "x".repeat(100), { index });
  await log.stop({ deadlineMs: 20 });
  const text = pipe.read();
  expect(text).not.toContain('"index":4999');
});

test("a stop is idempotent, waits for a stop already in progress, and nothing is logged after it", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  log.info("first", "before the stop");
  await Promise.all([log.stop({ deadlineMs: 10_000 }), log.stop({ deadlineMs: 10_000 })]);
  log.info("second", "after the stop");
  await log.stop({ deadlineMs: 10_000 });
  expect(parsed(pipe.read()).map(({ event }) => event)).toEqual(["first"]);
});

test("a reader that disconnects ends the log, not the process", async () => {
  await using pipe = await Pipe.open();
  const log = await openLog({ fd: pipe.writer });
  pipe.closeReader();
  log.info("first", "nobody reads this");
  await log.stop({ deadlineMs: 10_000 });
  log.info("second", "nor this");
});

test("lines go to a file whole and in order", async () => {
  const directory = await mkdtemp(join(tmpdir(), "muninn-"));
  try {
    const name = join(directory, "own.log");
    await using file = await open(name, "a");
    const log = await openLog({ fd: file.fd });
    for (let index = 0; index < 2_000; index += 1) log.info("line", "message", { index });
    await log.stop({ deadlineMs: 60_000 });
    const lines = parsed(await readFile(name, "utf8"));
    expect(lines.map(({ index }) => index)).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
