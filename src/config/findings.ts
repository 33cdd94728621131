import { listed } from "../fields/found.js";
import type { FieldIssue } from "../fields/mapping.js";
import type { ConfigDocument, Places } from "./document.js";
import { formatField, type Problem } from "./problem.js";
import type { UnknownField } from "./unknown-fields.js";

/** The messages about a configuration. */
interface Findings {
  readonly wrong: readonly FieldIssue[];
  /** Parts that the tracer starts without. */
  readonly withoutIt: readonly FieldIssue[];
  readonly doubtful: readonly FieldIssue[];
  readonly unknown: readonly UnknownField[];
}

/** The messages about a document, in its order. An unknown field is an error only below `muninn`. */
export async function problemsInPlace(
  document: ConfigDocument,
  { wrong, withoutIt, doubtful, unknown }: Findings,
): Promise<{ errors: Problem[]; warnings: readonly Problem[] }> {
  if (wrong.length + withoutIt.length + doubtful.length + unknown.length === 0) {
    return { errors: [], warnings: document.warnings };
  }
  const places = await document.places();
  const problem = (finding: FieldIssue) => problemOf(finding, places);
  const unknownProblem = ({ path, meant, unseen }: UnknownField): Problem => {
    const position = places.ofKey(path);
    if (unseen !== undefined) {
      const message = `has a key that is unknown; must be ${listed(unseen)}`;
      return { code: "unknown-field", field: formatField(path.slice(0, -1)), position, message };
    }
    const message = `is unknown${isOurs({ path }) ? "" : " and ignored"}${question(meant)}`;
    return { code: "unknown-field", field: formatField(path), position, message };
  };
  const ours = unknown.filter(isOurs);
  const others = unknown.filter((field) => !isOurs(field));
  return {
    errors: inOrder([...wrong.map(problem), ...ours.map(unknownProblem)]),
    warnings: inOrder([
      ...document.warnings,
      ...withoutIt.map((finding) => ({ ...problem(finding), code: "degraded" as const })),
      ...doubtful.map(problem),
      ...others.map(unknownProblem),
    ]),
  };
}

function isOurs({ path }: UnknownField): boolean {
  return path[0] === "muninn";
}

function question(meant: string | undefined): string {
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** As they are in the file. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const at = ({ position }: Problem) =>
    (position === undefined ? [0, 0] : [position.line, position.column]) as [number, number];
  return problems.toSorted((a, b) => at(a)[0] - at(b)[0] || at(a)[1] - at(b)[1]);
}

/** The message of a finding, with its place. */
export function problemOf({ path, message }: FieldIssue, places: Places): Problem {
  return { code: "invalid", field: formatField(path), position: places.ofValue(path), message };
}
