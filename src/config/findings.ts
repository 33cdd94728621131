import type { FieldIssue } from "../fields/mapping.js";
import type { Places } from "./document.js";
import { formatField, type Problem } from "./problem.js";

/** What to say of a finding, with its place. */
export function problemOf({ path, message }: FieldIssue, places: Places): Problem {
  return { code: "invalid", field: formatField(path), position: places.ofValue(path), message };
}
