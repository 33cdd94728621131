import type { Check } from "./check.js";

/** The state of what is received over OTLP. */
export interface OtlpInView {
  /** Resources that are currently nodes. */
  resources(): number;
  /** Milliseconds since an exporter was last refused for lack of room. */
  sinceBusyMs(): number;
}

/** An exporter that was refused sends again within this time: if none was refused since, the problem is over. */
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
            action: "See the checks of sinks and disks; otherwise raise muninn.maxInFlightBytes.",
          }
        : { state: "ok", reason: `${view.resources()} resources are sending` },
  };
}
