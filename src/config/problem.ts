import type { FieldPath } from "../fields/kind.js";
import { visibleText } from "../text/visible-text.js";

/** A message about a configuration: an error or a warning. */
export interface Problem {
  readonly code:
    | "unreadable"
    | "too-large"
    | "syntax"
    | "unknown-field"
    | "invalid"
    /** A warning for `run`, which starts without that part and reports it in health; an error for `check`. */
    | "degraded";
  /** Such as `logging[0].logRoot`; absent if the whole file is meant. */
  readonly field?: string;
  /** Where in the file, both from 1. */
  readonly position?: Position;
  /** What is wrong and what is allowed. */
  readonly message: string;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly file: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];

  constructor(file: string, problems: readonly Problem[], warnings: readonly Problem[] = []) {
    super(formatProblems(file, problems).join("\n"));
    this.file = file;
    this.problems = problems;
    this.warnings = warnings;
  }
}

/** Most problems shown: a file full of mistakes must not fill the log and the health page. */
const maxFormatted = 100;

/** The first hundred, one a line, and how many more there are. */
export function formatProblems(file: string, problems: readonly Problem[]): string[] {
  const lines = problems.slice(0, maxFormatted).map((problem) => formatProblem(file, problem));
  const more = problems.length - lines.length;
  return more === 0 ? lines : [...lines, `${file}: ${more} more; \`muninn check -c ${file}\` lists all`];
}

/** A field's name comes from the file and may be of any length. */
const maxFieldLength = 200;

/** `file:line:column: field: message`, without the parts that are not known, fit for a terminal. */
export function formatProblem(file: string, { position, field = "", message }: Problem): string {
  const place = position === undefined ? file : `${file}:${position.line}:${position.column}`;
  const shown = field.length > maxFieldLength ? `${field.slice(0, maxFieldLength)}…` : field;
  return visibleText([place, shown, message].filter(Boolean).join(": "));
}

/** `["logging", 0, "logRoot"]` → `logging[0].logRoot` */
export function formatField(path: FieldPath): string {
  return path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
}
