import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RateLimit, readRateLimit } from "../../../src/sinks/journal/rate-limit.js";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-units-"));
});
afterAll(() => rm(directory, { recursive: true }));

let machines = 0;

/** A machine whose systemd reports this. */
async function limitAt(
  group: string,
  limits: { unit: string; interval?: string; burst?: string },
): Promise<RateLimit | undefined> {
  machines += 1;
  const units = await mkdtemp(join(directory, `${machines}-`));
  const controlGroup = join(units, "cgroup");
  await writeFile(controlGroup, group);
  const { unit, interval, burst } = limits;
  if (interval !== undefined) await symlink(interval, join(units, `log-rate-limit-interval:${unit}`));
  if (burst !== undefined) await symlink(burst, join(units, `log-rate-limit-burst:${unit}`));
  return readRateLimit({ controlGroup, units });
}

const unit = "muninn.service";
const inUnit = "0::/system.slice/muninn.service\n";
const byDefault = { unit, entries: 10_000, intervalMs: 30_000 };

test.each<[string, string, { unit: string; interval?: string; burst?: string }, RateLimit | undefined]>([
  ["a unit without a limit of its own", inUnit, { unit }, byDefault],
  ["zeros, which mean the defaults", inUnit, { unit, interval: "0", burst: "0" }, byDefault],
  [
    "the limits of config/muninn.service",
    inUnit,
    { unit, interval: "1000000", burst: "1000000000" },
    undefined,
  ],
  [
    "a burst that is too small",
    inUnit,
    { unit, interval: "1000000", burst: "5000" },
    { unit, entries: 5_000, intervalMs: 1_000 },
  ],
  ["the limits of another unit", inUnit, { unit: "x.service", interval: "1", burst: "1000000" }, byDefault],
  [
    "a login's scope",
    "0::/user.slice/user-0.slice/session-3.scope\n",
    { unit },
    { ...byDefault, unit: "session-3.scope" },
  ],
  [
    "control groups of version 1",
    "2:cpu:/a.service\n1:name=systemd:/system.slice/muninn.service/inner\n",
    { unit },
    byDefault,
  ],
  ["no unit", "0::/\n", { unit }, undefined],
])("%s", async (_, group, limits, expected) => {
  expect(await limitAt(group, limits)).toEqual(expected);
});

test("without control groups there is no limit", async () => {
  expect(await readRateLimit({ controlGroup: join(directory, "absent"), units: directory })).toBeUndefined();
});
