import type { HealthCheck } from "./health-report.js";

/** The state of one thing, derived from what is already known. */
export type Finding = Pick<HealthCheck, "state" | "reason" | "action" | "lastSuccess" | "lastFailure">;

/** One thing whose health is checked. */
export interface Check {
  readonly name: string;
  /** The pages that show it in addition to `/healthz`; if it fails, they answer 503. */
  readonly pages: "none" | "live" | "ready";
  /** Synchronous and quick: a client is waiting for the answer. */
  find(): Finding;
}

/** Nothing is wrong. */
export const ok: Finding = { state: "ok" };
