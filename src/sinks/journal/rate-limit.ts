import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** More entries per second than any node sends. */
const ampleEntriesPerSecond = 100_000;
/** journald's default, if neither the unit nor journald.conf sets another. */
const defaults = { entries: 10_000, intervalMs: 30_000 } as const;

/** How many entries journald accepts from a unit; it silently drops the rest. */
export interface RateLimit {
  readonly unit: string;
  readonly entries: number;
  readonly intervalMs: number;
}

export interface RateLimitPlaces {
  /** The control group of this process. @default "/proc/self/cgroup" */
  readonly controlGroup?: string;
  /** Where systemd stores what journald should know about units. @default "/run/systemd/units" */
  readonly units?: string;
}

/**
 * The limit of the systemd unit that Muninn runs in, if entries could be dropped; undefined also outside of a unit, where
 * journald has no limit. A unit's 0, which looks like no limit, means journald's default (systemd#22034).
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

/** The innermost unit of a control group: the last part of its path that is one. */
function unitOf(controlGroups: string): string | undefined {
  const path = /^(?:0::|\d+:name=systemd:)(.*)$/m.exec(controlGroups)?.[1] ?? "";
  return path.split("/").findLast((part) => /\.(?:service|scope)$/.test(part));
}

/** systemd stores these as links whose target is a number. */
async function numberAt(link: string): Promise<number> {
  return Number(await readlink(link).catch(() => "0"));
}
