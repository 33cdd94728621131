import type { Check } from "./check.js";

/** How it stands with what is taken over OTLP. */
export interface OtlpInView {
  /** Resources that are nodes at the moment. */
  resources(): number;
  /** Milliseconds since somebody was turned away for want of room. */
  sinceBusyMs(): number;
}

/** Somebody who was turned away sends again within this time, so it is over when nobody was. */
const quietMs = 60_000;

export function otlpInCheck(view: OtlpInView): Check {
  return {
    name: "otlp-in",
    pages: "none",
    find: () =>
      view.sinceBusyMs() < quietMs
        ? {
            state: "degraded",
            reason: "OTLP exporters were asked to retry later: too much is waiting to be written",
            action: "See the checks of sinks and disks; else raise muninn.maxInFlightBytes.",
          }
        : { state: "ok", reason: `${view.resources()} resources send` },
  };
}
