import type { BaseIssue } from "valibot";
import type { Places } from "./document.js";
import { type FieldPath, formatField, type Problem } from "./problem.js";

/** What is wrong with a field of a configuration. */
export interface Finding {
  readonly path: FieldPath;
  readonly message: string;
}

/** What the schema finds wrong, with the way to it from the top; `above` leads to what the schema was given. */
export function findingsOf(issue: BaseIssue<unknown>, above: FieldPath = []): Finding[] {
  const path = [...above, ...(issue.path ?? []).map(({ key }) => key as string | number)];
  // Of alternatives that all fail, one that was understood deeper tells more.
  const deeper = (issue.issues ?? []).filter((inside) => inside.path !== undefined);
  return deeper.length > 0
    ? deeper.flatMap((inside) => findingsOf(inside, path))
    : [{ path, message: issue.message }];
}

/** What to say of a finding, with its place. */
export function problemOf({ path, message }: Finding, places: Places): Problem {
  return { code: "invalid", field: formatField(path), position: places.ofValue(path), message };
}
