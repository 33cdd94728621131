import { constants, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { kernelFileSystem, nearestThere } from "../../src/registry/file-system.js";
import { openFiles, temporaryDirectory } from "./test-registry.js";

// Some file systems have no modes; none of them is available here.
vi.mock("node:fs", async (importOriginal) => {
  const actual = await importOriginal<typeof import("node:fs")>();
  const fchmod = (_fd: number, _mode: number, done: (error: Error) => void) =>
    done(Object.assign(new Error("EPERM: no modes here"), { code: "EPERM", syscall: "fchmod" }));
  return { ...actual, default: { ...actual, fchmod } };
});

const { O_WRONLY, O_CREAT, O_EXCL } = constants;

test("a new file whose mode cannot be set is neither kept open nor left behind", async () => {
  const directory = temporaryDirectory();
  const opened = kernelFileSystem.open(join(directory, "new"), O_WRONLY | O_CREAT | O_EXCL, 0o640);
  await expect(opened).rejects.toMatchObject({ code: "EPERM" });
  expect(openFiles(directory)).toEqual([]);
  expect(readdirSync(directory)).toEqual([]);
});

test("an existing file is not deleted if its mode cannot be set", async () => {
  const path = join(temporaryDirectory(), "old");
  writeFileSync(path, "mine");
  await expect(kernelFileSystem.open(path, O_WRONLY, 0o640)).rejects.toMatchObject({ code: "EPERM" });
  expect(readFileSync(path, "utf8")).toBe("mine");
});

test("a path is split into its nearest existing directory and the missing part below it", async () => {
  const there = temporaryDirectory();
  const path = join(there, "a", "b");
  expect(await nearestThere(kernelFileSystem, path)).toMatchObject({
    there,
    missing: [join(there, "a"), path],
  });
  expect(await nearestThere(kernelFileSystem, there)).toMatchObject({ there, missing: [] });
});
