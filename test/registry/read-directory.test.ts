import { execFileSync } from "node:child_process";
import { Dirent, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readDirectory } from "../../src/registry/read-directory.js";
import { temporaryDirectory } from "./test-registry.js";

function kinds(entries: Awaited<ReturnType<typeof readDirectory>>): Record<string, boolean[]> {
  const listed = entries.map((entry) => {
    const kind = [entry.isFile(), entry.isDirectory(), entry.isSymbolicLink()];
    return [entry.name, kind] as const;
  });
  return Object.fromEntries(listed.filter(([name]) => !name.startsWith("more-")));
}

/** A directory with one entry of each kind, and so many more files. */
function filled(more: number): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "file"), "");
  mkdirSync(join(directory, "directory"));
  symlinkSync("file", join(directory, "link"));
  execFileSync("mkfifo", [join(directory, "pipe")]);
  for (let index = 0; index < more; index += 1) writeFileSync(join(directory, `more-${index}`), "");
  return directory;
}

const expected = {
  file: [true, false, false],
  directory: [false, true, false],
  link: [false, false, true],
  pipe: [false, false, false],
};

test.each([0, 3_000])(
  "a directory with %d more files has all its entries, with their kinds",
  async (more) => {
    const entries = await readDirectory(filled(more));
    expect(kinds(entries)).toEqual(expected);
    expect(entries).toHaveLength(more + 4);
  },
);

test("only what is wanted is kept", async () => {
  const directory = filled(3_000);
  expect(await readDirectory(directory, ({ name }) => name === "link")).toMatchObject([{ name: "link" }]);
  expect(await readDirectory(directory, () => false)).toEqual([]);
});

test("a file system that does not say what has a name is asked for it", async () => {
  const directory = filled(3_000);
  const spies = (
    [
      "isFile",
      "isDirectory",
      "isSymbolicLink",
      "isFIFO",
      "isSocket",
      "isCharacterDevice",
      "isBlockDevice",
    ] as const
  ).map((name) => vi.spyOn(Dirent.prototype, name).mockReturnValue(false));
  const entries = await readDirectory(directory);
  for (const spy of spies) spy.mockRestore();
  expect(kinds(entries)).toEqual(expected);
  expect(entries).toHaveLength(3_004);
});

test("others have their turns while a large directory is read", async () => {
  const directory = filled(3_000);
  let turns = 0;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  let most = 0;
  let inTurn = 0;
  let last = -1;
  await readDirectory(directory, () => {
    inTurn = turns === last ? inTurn + 1 : 1;
    last = turns;
    most = Math.max(most, inTurn);
    return false;
  });
  clearImmediate(next);
  expect(most).toBeLessThan(1_001);
});

test("a directory that is not there is reported as the system does", async () => {
  await expect(readDirectory(join(temporaryDirectory(), "gone"))).rejects.toMatchObject({ code: "ENOENT" });
});
