import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLines } from "../../src/log-files/line-file.js";
import { DamagedFileError } from "../../src/log-files/log-file-bytes.js";
import { zstdOf } from "./zstd.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-lines-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Line {
  readonly line: number;
  readonly text: string;
}

async function linesOf(content: string | Uint8Array, name = "file", lines: Line[] = []): Promise<Line[]> {
  const file = join(directory, name);
  await writeFile(file, content);
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
])("$what is read line by line, compressed as well", async ({ text, lines }) => {
  const expected = lines.map((line, at) => ({ line: at + 1, text: line }));
  expect(await linesOf(text)).toEqual(expected);
  expect(await linesOf(gzipSync(text), "file.gz")).toEqual(expected);
  expect(await linesOf(zstdOf(text), "file.zst")).toEqual(expected);
});

const long = Array.from({ length: 40 }, (_, index) => `${index}:${"x".repeat((index * 7_919) % 150_000)}`);
long.push("y".repeat(3_000_000), "z");
const longText = `${long.join("\n")}\n`;

test.each([
  { name: "file", content: longText },
  { name: "file.gz", content: gzipSync(longText) },
  { name: "file.zst", content: zstdOf(longText) },
])(
  "lines of $name that cross a chunk border, and lines longer than a chunk, are whole",
  async ({ name, content }) => {
    const found = await linesOf(content, name);
    expect(found.map(({ line }) => line)).toEqual(long.map((_, at) => at + 1));
    // Compared one by one: a difference of millions of characters is useless in the output.
    expect(found.every(({ text }, at) => text === long[at])).toBe(true);
  },
);

test.each([
  { name: "members.gz", content: Buffer.concat([gzipSync("a\nb"), gzipSync("c\nd\n")]) },
  { name: "frames.zst", content: Buffer.concat([zstdOf("a\nb"), zstdOf("c\nd\n")]) },
])("$name with parts compressed one after another is read to the end", async ({ name, content }) => {
  expect((await linesOf(content, name)).map(({ text }) => text)).toEqual(["a", "bc", "d"]);
});

test.each([
  { name: "cut.gz", content: gzipSync(longText).subarray(0, -20) },
  { name: "cut.zst", content: zstdOf(longText).subarray(0, -20) },
  { name: "other.gz", content: "these bytes are not compressed\n" },
  { name: "other.zst", content: "these bytes are not compressed\n" },
])("damaged or truncated $name gives what can be read, and then an error", async ({ name, content }) => {
  const lines: Line[] = [];
  const reading = linesOf(content, name, lines);
  await expect(reading).rejects.toThrow(DamagedFileError);
  await expect(reading).rejects.toThrow(`${name} is damaged or cut off`);
  expect(lines.every(({ text }, at) => text === long[at])).toBe(true);
});

test.each([
  { text: "a\n", isUnended: false },
  { text: "a\nb", isUnended: true },
])("the last line of $text is reported as unended: $isUnended", async ({ text, isUnended }) => {
  const file = join(directory, "file");
  await writeFile(file, text);
  const ends: boolean[] = [];
  for await (const batch of readLines(file)) ends.push(batch.isUnended);
  expect(ends.at(-1)).toBe(isUnended);
});

test("a missing compressed file is a fault of the file system, not of the file", async () => {
  const reading = readLines(join(directory, "absent.gz")).next();
  await expect(reading).rejects.toMatchObject({ code: "ENOENT" });
});
