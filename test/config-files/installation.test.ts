import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageVersion } from "../../src/package-version.js";

test("the installed program is a copy that works without the checkout", async ({ onTestFinished }) => {
  const prefix = await realpath(await mkdtemp(join(tmpdir(), "muninn-installed-")));
  onTestFinished(() => rm(prefix, { recursive: true }));
  const npm = (...args: string[]) => execFileSync("npm", args, { encoding: "utf8" }).trim();
  // The other tests run the existing build.
  const packed = npm("pack", "--silent", "--ignore-scripts", "--pack-destination", prefix);
  npm("install", "--silent", "--prefer-offline", "--global", "--prefix", prefix, join(prefix, packed));

  const program = join(prefix, "bin/muninn");
  expect(await realpath(program)).toBe(join(prefix, "lib/node_modules/muninn/dist/bin.cjs"));
  expect(execFileSync(program, ["--version"], { encoding: "utf8", cwd: prefix }).trim()).toBe(packageVersion);
}, 120_000);

test("the program is installed where the unit looks for it", async () => {
  const unit = await readFile("config/muninn.service", "utf8");
  const instructions = await readFile("docs/operating.md", "utf8");
  const program = /^ExecStart=(\S+)\/bin\/muninn /m.exec(unit);
  expect(instructions).toContain(`npm install --global --prefix ${program?.[1]} "$(npm pack --silent)"`);
});
