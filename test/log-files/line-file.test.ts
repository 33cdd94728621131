import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLines } from "../../src/log-files/line-file.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-lines-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function linesOf(text: string): Promise<{ line: number; text: string }[]> {
  const file = join(directory, "file");
  await writeFile(file, text);
  const lines: { line: number; text: string }[] = [];
  for await (const { bytes, starts, ends, firstLine } of readLines(file))
    for (const [at, start] of starts.entries())
      lines.push({ line: firstLine + at, text: bytes.toString("utf8", start, ends[at]) });
  return lines;
}

test.each([
  { what: "an empty file", text: "", lines: [] },
  { what: "one line", text: "a\n", lines: ["a"] },
  { what: "a last line without a line feed", text: "a\nb", lines: ["a", "b"] },
  { what: "an empty first line", text: "\na\n", lines: ["", "a"] },
  { what: "empty lines at the end", text: "a\n\n\n", lines: ["a", "", ""] },
])("$what is read line by line", async ({ text, lines }) => {
  expect(await linesOf(text)).toEqual(lines.map((line, at) => ({ line: at + 1, text: line })));
});

test("lines that cross the border of a chunk, and lines longer than one, are whole", async () => {
  const lines = Array.from({ length: 40 }, (_, index) => `${index}:${"x".repeat((index * 7_919) % 150_000)}`);
  lines.push("y".repeat(3_000_000), "z");
  const found = await linesOf(`${lines.join("\n")}\n`);
  expect(found.map(({ line }) => line)).toEqual(lines.map((_, at) => at + 1));
  // Compared one by one: a difference of millions of characters is nothing to print.
  expect(found.every(({ text }, at) => text === lines[at])).toBe(true);
});
