import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { LogId } from "../../src/registry/handle-registry.js";
import { allText, eventually, lines, temporaryDirectory, testRegistry } from "./test-registry.js";

const program = fileURLToPath(new URL("writer-process.mjs", import.meta.url));

type Child = ChildProcessByStdio<null, Readable, null>;

/** The program, with its output line by line. */
function start(task: Record<string, unknown>, received: (words: string[]) => void, shell = ""): Child {
  const child = spawn(
    "sh",
    ["-c", `${shell} exec "$0" "$@"`, process.execPath, program, JSON.stringify(task)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  createInterface(child.stdout).on("line", (line) => received(line.split(" ")));
  return child;
}

/** The numbers in a log's files, from complete lines; anything else must be the beginning of such a line. */
function numbersIn(id: LogId): { numbers: number[]; torn: number } {
  if (!existsSync(join(id.root, id.directory))) return { numbers: [], torn: 0 };
  const numbers: number[] = [];
  let torn = 0;
  for (const line of allText(id).split("\n")) {
    const [, number, text] = /^{"directory":"\w+","number":(\d+),"text":"(x*)"}$/.exec(line) ?? [];
    if (text !== undefined && text.length === Number(number) % 5_000) numbers.push(Number(number));
    else if (line !== "") torn += 1;
  }
  return { numbers, torn };
}

test("after kill -9 at any moment, all acknowledged lines are in the files, once and in order", async () => {
  const root = temporaryDirectory();
  const directories = ["a", "b", "c", "d"];
  const id = (directory: string): LogId => ({ root, directory, extension: "json" });
  const safe = new Map<string, number>();
  let tornTold = 0;
  for (let round = 0; round < 6; round += 1) {
    const logs = Object.fromEntries(
      directories.map((directory) => [directory, (numbersIn(id(directory)).numbers.at(-1) ?? -1) + 1]),
    );
    let count = 0;
    const child = start({ mode: "write", root, logs, maxOpenFiles: 2 }, ([what, directory, number]) => {
      if (what === "torn") tornTold += 1;
      if (what !== "safe") return;
      count += 1;
      safe.set(directory!, Math.max(safe.get(directory!) ?? -1, Number(number)));
    });
    const exited = once(child, "close");
    const enough = 50 + round * 300;
    await eventually(() => count >= enough || child.exitCode !== null);
    child.kill("SIGKILL");
    expect((await exited)[1]).toBe("SIGKILL");
    for (const directory of directories) {
      const { numbers } = numbersIn(id(directory));
      expect(numbers).toEqual(numbers.map((_, i) => i));
      expect(numbers.length).toBeGreaterThan(safe.get(directory) ?? -1);
    }
  }

  const { registry } = await testRegistry({ roots: [root] });
  for (const directory of directories) await registry.append(id(directory), lines("{}"));
  const torn = directories.reduce((sum, directory) => sum + numbersIn(id(directory)).torn, 0);
  // The last line is this test's own.
  expect(torn - directories.length).toBe(tornTold + registry.stats().tornClosed);
  for (const directory of directories) expect(allText(id(directory)).endsWith("\n{}\n")).toBe(true);
});

test("with no free handle in the process, a log gets one that others leave idle", async () => {
  const root = temporaryDirectory();
  const told: string[] = [];
  const child = start(
    { mode: "handles", root, maxOpenFiles: 4_096 },
    (words) => told.push(words.join(" ")),
    "ulimit -n 128;",
  );
  expect((await once(child, "close"))[0]).toBe(0);
  expect(told).toEqual(["hogged EMFILE", "fault EMFILE", "over", "evicted 1", "limit 48"]);
  expect(allText({ root, directory: "first", extension: "json" })).toBe('"first"\n');
  expect(allText({ root, directory: "second", extension: "json" })).toBe('"second"\n');
  expect(existsSync(join(root, ".muninn"))).toBe(false);
});

test("the claims of a killed process are void at once, and those of a running one are not", async () => {
  const root = temporaryDirectory();
  let isWriting = false;
  const child = start({ mode: "write", root, logs: { a: 0 }, maxOpenFiles: 2, identity: "same" }, () => {
    isWriting = true;
  });
  await eventually(() => isWriting);
  const second = await testRegistry({ roots: [root] });
  await expect(testRegistry({ roots: [root], identity: "same" })).rejects.toMatchObject({
    fault: { code: "already-running", by: { pid: child.pid } },
  });
  expect(await second.registry.claim("a")).toMatchObject({ state: "taken", by: { pid: child.pid } });
  const exited = once(child, "close");
  child.kill("SIGKILL");
  await exited;
  expect(await second.registry.claim("a")).toMatchObject({ state: "ours" });
  await testRegistry({ roots: [root], identity: "same" });
});

test("a suspended process that cannot answer for a while keeps its claims", async () => {
  const root = temporaryDirectory();
  let isWriting = false;
  const child = start({ mode: "write", root, logs: { a: 0 }, maxOpenFiles: 2 }, () => {
    isWriting = true;
  });
  await eventually(() => isWriting);
  child.kill("SIGSTOP");
  const { registry } = await testRegistry({ roots: [root] });
  expect(await registry.claim("a")).toMatchObject({ state: "taken", by: { pid: child.pid } });
});
