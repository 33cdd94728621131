import { type Check, ok } from "./check.js";

/** A root below which old files currently cannot be deleted, or files are ahead of the clock. */
export type RetentionFault =
  | { readonly root: string; readonly code: "undeletable"; readonly error: Error }
  | {
      readonly root: string;
      readonly code: "from-the-future";
      readonly count: number;
      readonly latest: string;
    };

/** Whether old files are deleted when they should be. If they stay, the disk will eventually fill up. */
export function retentionCheck(faults: () => Iterable<RetentionFault>): Check {
  return {
    name: "retention",
    pages: "none",
    find: () => {
      const found = [...faults()];
      if (found.length === 0) return ok;
      return {
        state: "degraded",
        reason: found.map(reasonOf).join("; "),
        action: [...new Set(found.map(({ code }) => actions[code]))].join(" "),
      };
    },
  };
}

const actions: Record<RetentionFault["code"], string> = {
  undeletable: "Give Muninn permission to delete there, or delete old files yourself.",
  "from-the-future":
    "Check the clock. If it is right, move the files from the future away; file names then show the true time again.",
};

function reasonOf(fault: RetentionFault): string {
  if (fault.code === "undeletable") {
    return `old files below ${fault.root} cannot be deleted: ${fault.error.message}`;
  }
  const { root, count, latest } = fault;
  if (count === 1) return `a file below ${root} is from the future: ${latest}`;
  return `${count} files below ${root} are from the future, the latest dated ${latest}`;
}
