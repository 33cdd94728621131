import type { HealthCheck } from "./health-report.js";

/** How it stands with one thing, found from what is already known. */
export type Finding = Pick<HealthCheck, "state" | "reason" | "action" | "lastSuccess" | "lastFailure">;

/** One thing that is looked after. */
export interface Check {
  readonly name: string;
  /** The pages it stands on beside `/healthz`; a failing one turns those to 503. */
  readonly pages: "none" | "live" | "ready";
  /** Synchronous and quick: it is asked while somebody waits for an answer. */
  find(): Finding;
}

/** A thing that is as it should be. */
export const ok: Finding = { state: "ok" };
