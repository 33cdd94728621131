import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const missing =
  spawnSync("systemd-analyze", ["--version"]).status === 0
    ? undefined
    : "systemd-analyze is not on PATH (Debian: systemd)";

let unit: string;
let directory: string;
let installed: string;

beforeAll(async () => {
  unit = await readFile("config/muninn-relay.service", "utf8");
  directory = await mkdtemp(join(tmpdir(), "muninn-unit-"));
  installed = join(directory, "muninn-relay.service");
  // The program need not be installed here; another existing one replaces it.
  await writeFile(installed, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
});
afterAll(() => rm(directory, { recursive: true }));

test("systemd accepts the relay's unit and rates its exposure at 2 of 10 at most", (ctx) => {
  if (missing) ctx.skip(missing);
  const analyze = (...args: string[]) =>
    spawnSync("systemd-analyze", [...args, installed], { encoding: "utf8" });
  const { stdout, stderr, status } = analyze("verify", "--man=no");
  expect(`${stdout}${stderr}`.split("\n").filter((line) => line.includes("muninn-relay.service"))).toEqual(
    [],
  );
  expect(status).toBe(0);
  expect(analyze("security", "--offline=true", "--threshold=20").status).toBe(0);
});

test("the relay knows every flag in its unit, including those in the unit's example", async () => {
  const help = spawnSync(process.execPath, ["dist/bin.cjs", "relay", "--help"], { encoding: "utf8" }).stdout;
  const flags = [...unit.matchAll(/[ =](--[a-z-]+)/g)].map(([, flag]) => flag!);
  expect(flags.length).toBeGreaterThan(4);
  for (const flag of flags) expect(help).toContain(`${flag} <`);
});

test("the relay's unit waits for readiness, and does not restart a relay that cannot start", () => {
  expect(unit.split("\n")).toEqual(
    expect.arrayContaining([
      "Type=notify",
      "NotifyAccess=all",
      "RestartPreventExitStatus=2",
      "WatchdogSec=60",
    ]),
  );
});
