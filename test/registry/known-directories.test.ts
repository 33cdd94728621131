import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { knownDirectories } from "../../src/registry/known-directories.js";
import { hang, interposedFileSystem } from "./interposed-file-system.js";
import { eventually, settled, temporaryDirectory } from "./test-registry.js";

test("a directory is known if it is below one of the roots", async () => {
  const roots = [temporaryDirectory(), temporaryDirectory()];
  mkdirSync(join(roots[1]!, "b"));
  const isKnown = knownDirectories(roots);
  expect([await isKnown("a"), await isKnown("b")]).toEqual([false, true]);
});

test("however many nodes come, a disk that hangs holds only some threads", async () => {
  const disk = interposedFileSystem();
  disk.rules.lstat = () => hang();
  const isKnown = knownDirectories(["/hangs"], disk);
  for (let node = 0; node < 100; node += 1) void isKnown(`node-${node}`);
  await eventually(() => disk.calls.length > 0);
  await settled();
  expect(disk.calls.length).toBeLessThan(5);
});
