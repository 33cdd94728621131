import { type Check, ok } from "./check.js";

/** Whether the next start will work: after a failed reload, the file differs from the running configuration. */
export function configurationCheck(fault: () => string | undefined): Check {
  return {
    name: "configuration",
    pages: "none",
    find: () => {
      const found = fault();
      if (found === undefined) return ok;
      return {
        state: "degraded",
        reason: `the last reload failed: ${found}`,
        action:
          "Fix the file (`muninn check -c FILE` says what is wrong) and reload again; a restart would fail.",
      };
    },
  };
}
