import { type Check, ok } from "./check.js";

/** Whether the file of `metricsHelp` could be read: without it metrics have no help texts; everything else works. */
export function helpTextsCheck(fault: () => string | undefined): Check {
  return {
    name: "help-texts",
    pages: "none",
    find: () => {
      const found = fault();
      if (found === undefined) return ok;
      return {
        state: "degraded",
        reason: `metricsHelp: ${found}`,
        action: "Fix the file, or remove metricsHelp, and reload (SIGHUP).",
      };
    },
  };
}
