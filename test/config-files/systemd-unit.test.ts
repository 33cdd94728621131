import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const missing =
  spawnSync("systemd-analyze", ["--version"]).status === 0
    ? undefined
    : "systemd-analyze is not on PATH (Debian: systemd)";

/** Of 10; systemd rates 2 and less as OK. */
const mostExposure = 2;

let unit: string;
let directory: string;
let installed: string;

beforeAll(async () => {
  unit = await readFile("config/muninn.service", "utf8");
  directory = await mkdtemp(join(tmpdir(), "muninn-unit-"));
  installed = join(directory, "muninn.service");
  // The program need not be installed here; another existing one replaces it.
  await writeFile(installed, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
});
afterAll(() => rm(directory, { recursive: true }));

function analyze(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

test("systemd accepts the unit", (ctx) => {
  if (missing) ctx.skip(missing);
  const { status, output } = analyze("verify", "--man=no", installed);
  expect(output.split("\n").filter((line) => line.includes("muninn.service"))).toEqual([]);
  expect(status).toBe(0);
});

test(`systemd rates the unit's exposure at ${mostExposure} of 10 at most`, (ctx) => {
  if (missing) ctx.skip(missing);
  const { status, output } = analyze(
    "security",
    "--offline=true",
    `--threshold=${mostExposure * 10}`,
    installed,
  );
  expect(status, output).toBe(0);
});

test.each([
  "Type=notify",
  "NotifyAccess=all",
  "ExecReload=/bin/sh -c 'kill -HUP $MAINPID'",
  "LogRateLimitIntervalSec=1s",
  "LogRateLimitBurst=1000000000",
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "StateDirectory=muninn",
  "LogsDirectory=muninn",
  "RuntimeDirectory=muninn",
  "User=muninn",
])("the unit says %s", (line) => {
  expect(unit.split("\n")).toContain(line);
});

test("the unit does not restart a tracer that cannot start: exit code 2 is an unusable configuration", async () => {
  expect(unit.split("\n")).toContain("RestartPreventExitStatus=2");
  expect(await readFile("docs/command-line.md", "utf8")).toContain("2 wrong usage or configuration");
});

test("the unit permits what Node needs: code generated at run time and the locks of other users' processes", () => {
  const settings = unit.split("\n").filter((line) => !line.startsWith("#"));
  for (const name of ["MemoryDenyWriteExecute", "ProtectProc", "ProcSubset"]) {
    expect(settings.filter((line) => line.startsWith(`${name}=`))).toEqual([]);
  }
});
