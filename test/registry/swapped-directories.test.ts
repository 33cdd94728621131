import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { kernelFileSystem } from "../../src/registry/file-system.js";
import { canHoldDirectories, openDirectory } from "../../src/registry/open-directory.js";
import {
  allText,
  eventually,
  leaveFile,
  lines,
  nameAfter,
  openFiles,
  passPause,
  startName,
  temporaryDirectory,
  testRegistry,
} from "./test-registry.js";

/** Puts a link in place of a node's directory, as a user who can write in `logRoot` may. */
function swap(root: string, directory: string, target: string): void {
  renameSync(join(root, directory), join(root, `${directory}-moved`));
  symlinkSync(target, join(root, directory));
}

/** The contents of somebody else's directory. */
function everything(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const path = join(directory, name);
      return lstatSync(path).isFile() ? `${name}: ${readFileSync(path, "utf8")}` : name;
    });
}

test.each([
  { what: "that was looked at is opened", call: "open" as const, nth: 1 },
  { what: "was opened, and before it is read", call: "readdir" as const, nth: 1 },
  { what: "was read, and before a file is created there", call: "readdir" as const, nth: 2 },
])("a link put in place of a directory before one $what leads no file elsewhere", async ({ call, nth }) => {
  const elsewhere = temporaryDirectory();
  const { registry, log, root, disk, clock } = await testRegistry();
  mkdirSync(join(root, "a"));
  let calls = 0;
  const swapThen = async <Args extends unknown[], Result>(
    real: (...args: Args) => Promise<Result>,
    ...args: Args
  ) => {
    if (args[0] === join(root, "a")) calls += 1;
    if (calls === nth && args[0] === join(root, "a")) swap(root, "a", elsewhere);
    return real(...args);
  };
  Object.assign(disk.rules, { [call]: swapThen });
  const append = registry.append(log("a"), lines("1"));
  append.catch(() => {});
  await eventually(() => clock.pauses.length > 0 || lstatSync(join(root, "a")).isSymbolicLink());
  for (let i = 0; i < 4; i += 1) {
    if (clock.pauses.length > 0) await passPause(clock);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(calls).toBeGreaterThanOrEqual(nth);
  expect(everything(elsewhere)).toEqual([]);
});

test("a link behind a link put in place of a directory is not replaced", async () => {
  const elsewhere = temporaryDirectory();
  symlinkSync("their target", join(elsewhere, "node.json"));
  const { registry, log, root, disk } = await testRegistry();
  disk.rules.unlink = async (real, path) => {
    if (path.endsWith(".node.json.tmp") && !lstatSync(join(root, "a")).isSymbolicLink())
      swap(root, "a", elsewhere);
    return real(path);
  };
  await registry.append(log("a"), lines("1"));
  expect(everything(elsewhere)).toEqual(["node.json"]);
  expect(readFileSync(join(root, "a-moved", "node.json"), "utf8")).toBe("1\n");
});

test("an old file behind a link put in place of a directory is not deleted, whenever the link appears", async () => {
  const rules = { frequencyMs: 60_000, limitBytes: 1_000, maxAgeMs: 1_000, keepFiles: 0 };
  const names = [nameAfter(-9_000), nameAfter(-8_000)];
  const elsewhere = temporaryDirectory();
  for (const name of names) writeFileSync(join(elsewhere, name), "theirs");
  const { registry, log, root, disk } = await testRegistry({ rotation: rules });
  for (const directory of ["opened", "read", "unlinked"]) {
    for (const name of names) leaveFile(log(directory), name, "ours");
  }
  const swapOnce = (directory: string) => {
    if (!lstatSync(join(root, directory)).isSymbolicLink()) swap(root, directory, elsewhere);
  };
  disk.rules.open = async (real, path, ...rest) => {
    if (path.endsWith("/opened")) swapOnce("opened");
    return real(path, ...rest);
  };
  disk.rules.readdir = async (real, path, isWanted) => {
    if (path.endsWith("/read")) swapOnce("read");
    return real(path, isWanted);
  };
  disk.rules.unlink = async (real, path) => {
    if (path.includes("/unlinked/")) swapOnce("unlinked");
    return real(path);
  };
  await registry.expire();
  expect(everything(elsewhere)).toEqual(names.map((name) => `${name}: theirs`));
  expect(readdirSync(join(root, "unlinked-moved"))).toEqual([names[1]]);
});

test("a directory's mode is not set by name", async () => {
  const elsewhere = temporaryDirectory();
  const before = lstatSync(elsewhere).mode;
  const root = temporaryDirectory();
  symlinkSync(elsewhere, join(root, "a"));
  await expect(kernelFileSystem.mkdir(join(root, "a"), 0o777)).rejects.toMatchObject({ code: "EEXIST" });
  expect(lstatSync(elsewhere).mode).toBe(before);
});

test("errors show paths as users know them", async () => {
  const { registry, log, root, disk, clock } = await testRegistry();
  mkdirSync(join(root, "a"));
  disk.rules.open = (real, path, ...rest) =>
    path.endsWith(startName) ? real(`${path}/below a file that is none`, ...rest) : real(path, ...rest);
  delete disk.rules.open;
  writeFileSync(join(root, "a", nameAfter(-5)), "x");
  disk.rules.open = async (real, path, ...rest) => {
    const through = path.endsWith(nameAfter(-5)) ? path : "";
    if (through === "") return real(path, ...rest);
    const fd = [...disk.descriptors].find(([, known]) => known === join(root, "a"))![0];
    return kernelFileSystem.open(`/proc/self/fd/${fd}/missing`, 0);
  };
  const append = registry.append(log("a"), lines("1"));
  append.catch(() => {});
  await eventually(() => clock.pauses.length > 0);
  const [fault] = registry.faults();
  expect(fault).toMatchObject({ path: join(root, "a", "missing"), error: { code: "ENOENT" } });
  expect(fault!.error.message).toBe(
    `ENOENT: no such file or directory, open '${join(root, "a", "missing")}'`,
  );
});

test("directory handles are open only briefly, and never exceed the limit together with file handles", async () => {
  const { registry, log, disk, root } = await testRegistry({ maxOpenFiles: 16 });
  let most = 0;
  disk.rules.open = async (real, ...args) => {
    const fd = await real(...args);
    most = Math.max(most, disk.descriptors.size + 1);
    return fd;
  };
  const logs = Array.from({ length: 60 }, (_, index) => log(`node-${index}`));
  await Promise.all(logs.map((id) => registry.append(id, lines(id.directory))));
  expect(most).toBeGreaterThan(8);
  expect(most).toBeLessThanOrEqual(16);
  await eventually(() => disk.descriptors.size === openFiles(root).length);
  for (const id of logs) expect(allText(id)).toBe(`${id.directory}\n`);
});

test("without /proc directories are opened by path, which is reported at the start", async () => {
  const root = temporaryDirectory();
  const directory = await openDirectory(kernelFileSystem, root, false);
  expect([directory.self, directory.at("x")]).toEqual([root, join(root, "x")]);
  const missing = vi.fn(async () => Promise.reject(new Error("ENOENT")));
  expect(await canHoldDirectories(directory, missing)).toBe(false);
  expect(missing).toHaveBeenCalledWith(`/proc/self/fd/${directory.fd}/.`);
  // Another system may have files there that lead elsewhere.
  let inode = 0n;
  const elsewhere = async () => {
    inode += 1n;
    return { ino: inode };
  };
  expect(await canHoldDirectories(directory, elsewhere)).toBe(false);
  expect(await canHoldDirectories(directory, kernelFileSystem.lstat)).toBe(true);
  await kernelFileSystem.close(directory.fd);
});
