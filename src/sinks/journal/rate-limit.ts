import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** More entries a second than any node sends. */
const ampleEntriesPerSecond = 100_000;
/** journald's own, if neither the unit nor journald.conf says otherwise. */
const defaults = { entries: 10_000, intervalMs: 30_000 } as const;

/** How many entries journald accepts of a unit; it drops the rest without telling the sender. */
export interface RateLimit {
  readonly unit: string;
  readonly entries: number;
  readonly intervalMs: number;
}

export interface RateLimitPlaces {
  /** The control group of this process. @default "/proc/self/cgroup" */
  readonly controlGroup?: string;
  /** Where systemd leaves what journald should know of units. @default "/run/systemd/units" */
  readonly units?: string;
}

/**
 * The limit of the systemd unit that Muninn runs in, if it is one that could drop entries; undefined also outside of a
 * unit, where journald has no limit. A unit's 0, which reads like none, is journald's default (systemd#22034).
 */
export async function readRateLimit(places: RateLimitPlaces = {}): Promise<RateLimit | undefined> {
  const { controlGroup = "/proc/self/cgroup", units = "/run/systemd/units" } = places;
  const unit = unitOf(await readFile(controlGroup, "utf8").catch(() => ""));
  if (unit === undefined) return undefined;
  const [intervalUs, burst] = await Promise.all(
    ["log-rate-limit-interval", "log-rate-limit-burst"].map((name) =>
      numberAt(join(units, `${name}:${unit}`)),
    ),
  );
  const entries = burst || defaults.entries;
  const intervalMs = intervalUs ? intervalUs / 1_000 : defaults.intervalMs;
  const isAmple = entries / intervalMs >= ampleEntriesPerSecond / 1_000;
  return isAmple ? undefined : { unit, entries, intervalMs };
}

/** The innermost unit of a control group, by its last part that is one. */
function unitOf(controlGroups: string): string | undefined {
  const path = /^(?:0::|\d+:name=systemd:)(.*)$/m.exec(controlGroups)?.[1] ?? "";
  return path.split("/").findLast((part) => /\.(?:service|scope)$/.test(part));
}

/** systemd keeps these as links that lead to a number. */
async function numberAt(link: string): Promise<number> {
  return Number(await readlink(link).catch(() => "0"));
}
