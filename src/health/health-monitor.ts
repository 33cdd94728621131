import type { Check, Finding } from "./check.js";
import type { HealthCheck, HealthReport, HealthSource, HealthState } from "./health-report.js";

export interface HealthMonitorOptions {
  readonly checks: readonly Check[];
  /** Called once for every change of a check's state. */
  readonly onChange?: (check: HealthCheck, before: HealthState) => void;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
  /** Milliseconds that never go backwards. @default performance.now */
  readonly monotonic?: () => number;
}

/** Pages look again after this many times what the last look took: thousands of clients may ask for them at once. */
const restTimes = 20;
const mostRestMs = 250;

const worstFirst: readonly HealthState[] = ["failing", "degraded", "ok"];

/** Remembers the state of each check, and since when. */
export class HealthMonitor implements HealthSource {
  readonly #options: HealthMonitorOptions;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #known = new Map<Check, HealthCheck>();
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    const since = this.#time();
    for (const check of options.checks) this.#known.set(check, { name: check.name, state: "ok", since });
  }

  /** Asks every check. Done regularly, so that `since` is right even if no page is read. */
  look(): void {
    const begun = this.#monotonic();
    for (const check of this.#options.checks) this.#update(check, check.find());
    const ended = this.#monotonic();
    this.#restsUntil = ended + Math.min(restTimes * (ended - begun), mostRestMs);
  }

  live(): HealthReport {
    return this.#reportOf(({ pages }) => pages === "live");
  }

  ready(): HealthReport {
    return this.#reportOf(({ pages }) => pages === "ready");
  }

  report(): HealthReport {
    return this.#reportOf(() => true);
  }

  #reportOf(isMeant: (check: Check) => boolean): HealthReport {
    if (this.#monotonic() >= this.#restsUntil) this.look();
    const checks = this.#options.checks.filter(isMeant).map((check) => this.#known.get(check)!);
    const status = worstFirst.find((state) => checks.some((check) => check.state === state)) ?? "ok";
    return { status, checks };
  }

  #update(check: Check, finding: Finding): void {
    const before = this.#known.get(check)!;
    const hasChanged = finding.state !== before.state;
    const after = { name: check.name, ...finding, since: hasChanged ? this.#time() : before.since };
    this.#known.set(check, after);
    if (hasChanged) this.#options.onChange?.(after, before.state);
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
