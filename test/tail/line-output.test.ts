import { expect, test } from "vitest";
import { Display } from "../../src/tail/display.js";
import { LiveOutput } from "../../src/tail/line-output.js";
import { machineLine } from "../../src/tail/traced-line.js";

/** A terminal that accepts a text when it is told to. */
function terminal() {
  const taken: string[] = [];
  let take: () => void = () => {};
  return {
    taken,
    take: () => take(),
    write: (text: string) =>
      new Promise<void>((resolve) => {
        take = () => {
          take = () => {};
          taken.push(text);
          resolve();
        };
      }),
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test("a stalled terminal misses lines in one place and is told how many, and memory does not grow", async () => {
  const screen = terminal();
  const output = new LiveOutput(screen.write, (lines) => `${lines} missed\n`);
  const line = `${"x".repeat(1023)}\n`;
  for (let index = 0; index < 5_000; index += 1) output.offer(line);
  await turns();
  for (let round = 0; round < 4; round += 1) {
    screen.take();
    await turns();
    if (round === 1) output.offer("after\n");
  }
  await output.flush();
  const [kept = "", ...rest] = screen.taken;
  expect(kept.length).toBe(1024 * 1024);
  expect(rest).toEqual([`${5_000 - 1024} missed\n`, "after\n"]);
});

test("room is counted by the waiting lines, even during a write", async () => {
  const screen = terminal();
  const output = new LiveOutput(screen.write, (lines) => `${lines} missed\n`);
  const half = "x".repeat(512 * 1024);
  output.offer(half);
  await turns();
  output.offer(half);
  screen.take();
  await turns();
  // One half is being written: one more fits, a third does not.
  output.offer(half);
  output.offer(half);
  for (let round = 0; round < 4; round += 1) {
    screen.take();
    await turns();
  }
  expect(screen.taken.map((text) => text.length)).toEqual([
    half.length,
    half.length,
    half.length,
    "1 missed\n".length,
  ]);
});

test("an error of the writer is thrown to the caller", async () => {
  const gone = new Error("gone");
  const output = new LiveOutput(() => Promise.reject(gone), String);
  output.offer("a\n");
  await expect(output.flush()).rejects.toBe(gone);
  expect(() => output.offer("b\n")).toThrow(gone);
});

test("a pipe is waited for and misses nothing, and is told what the daemon left out", async () => {
  const written: string[] = [];
  const write = async (text: string) => void written.push(text);
  const output = { write, isTerminal: false, colours: false, columns: () => undefined };
  const display = new Display({ format: "json", wrap: false, isLive: true, output });
  await display.missed(1_234);
  await display.show(
    Array.from({ length: 3_000 }, (_, n) => machineLine(`{"n":${n}}`, { node: "a", fallbackAt: 0n })),
  );
  const lines = written.join("").trimEnd().split("\n");
  expect(lines[0]).toBe('{"missed":1234}');
  expect(lines).toHaveLength(3_001);
});
