import { type Check, ok } from "./check.js";

/** A root below which old files cannot be deleted at the moment. */
export interface RetentionFault {
  readonly root: string;
  readonly error: Error;
}

/** Whether old files go. Where they stay the disk fills up one day, so it is worth knowing of now. */
export function retentionCheck(faults: () => Iterable<RetentionFault>): Check {
  return {
    name: "retention",
    pages: "none",
    find: () => {
      const found = [...faults()];
      if (found.length === 0) return ok;
      return {
        state: "degraded",
        reason: found
          .map(({ root, error }) => `old files below ${root} cannot be deleted: ${error.message}`)
          .join("; "),
        action: "Give Muninn the right to delete there, or delete old files yourself.",
      };
    },
  };
}
