/** A place in the text of a query; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type QueryFault =
  | { code: "syntax"; place: Place; text: string; unexpected: string; expected: string }
  | { code: "undefined-name"; place: Place; name: string; near: readonly string[] }
  | { code: "unsupported"; place: Place; name: string }
  | { code: "type-mismatch"; place: Place; expected: string; found: string }
  | { code: "operands"; place: Place; operator: string; left: string; right: string }
  | { code: "no-scalar"; place: Place; found: string }
  | { code: "empty-vector"; builtin: string }
  | { code: "single-point"; labels: string }
  | { code: "no-matching-label"; labels: string }
  | { code: "quantile-out-of-range"; builtin: string; k: number }
  | { code: "not-a-number"; builtin: string }
  | { code: "time-out-of-range" }
  | { code: "step-zero" }
  | { code: "too-many-steps"; steps: number; limit: number }
  | { code: "too-deep"; limit: number }
  | { code: "too-nested"; limit: number }
  | { code: "stopped" }
  | { code: "gone" }
  | { code: "too-slow"; limitMs: number }
  | { code: "too-big"; limitBytes: number };

/** cardano-tracer's kinds of failure, in `errorType`. */
type QueryErrorType = "parse" | "bad_data" | "execution";

/** A query that fails; the message is for the client, and begins like cardano-tracer's. */
export class QueryError extends Error {
  readonly fault: QueryFault;

  constructor(fault: QueryFault) {
    const type = errorTypeOf(fault);
    super(`While executing, ${beginnings[type]}: ${describe(fault)}`);
    this.name = "QueryError";
    this.fault = fault;
  }

  get errorType(): QueryErrorType {
    return errorTypeOf(this.fault);
  }
}

const beginnings: Readonly<Record<QueryErrorType, string>> = {
  parse: "parsing error",
  bad_data: "elaboration error",
  execution: "interpretation error",
};

function errorTypeOf({ code }: QueryFault): QueryErrorType {
  switch (code) {
    case "syntax":
      return "parse";
    case "undefined-name":
    case "unsupported":
    case "type-mismatch":
    case "operands":
    case "no-scalar":
      return "bad_data";
    default:
      return "execution";
  }
}

function describe(fault: QueryFault): string {
  switch (fault.code) {
    case "syntax":
      return syntaxText(fault);
    case "undefined-name": {
      const meant = fault.near.length === 0 ? "" : `Did you mean: ${fault.near.join(", ")}\n`;
      return `Undefined name: ${fault.name}\n${meant}@ ${shown(fault.place)}`;
    }
    case "unsupported":
      return `Do not know how to elaborate ${fault.name} @ ${shown(fault.place)}`;
    case "type-mismatch":
      return `Can't solve unification constraint: ${fault.expected} = ${fault.found} @ ${shown(fault.place)}`;
    case "operands":
      return `Can't solve elaboration problems:\n${fault.left} ${fault.operator} ${fault.right} @ ${shown(fault.place)}`;
    case "no-scalar":
      return `to_scalar can't be applied to an expression of type ${fault.found} @ ${shown(fault.place)}`;
    case "empty-vector":
      return `${fault.builtin}: empty instant vector`;
    case "single-point":
      return `rate: single-point timeseries has undefined rate; the series is ${fault.labels}`;
    case "no-matching-label":
      return `No matching label: ${fault.labels}`;
    case "quantile-out-of-range":
      return `${fault.builtin}: ${fault.k} is not from 0 to 1`;
    case "not-a-number":
      return `${fault.builtin}: one of the values is not a number`;
    case "time-out-of-range":
      return "a timestamp or duration is below 0 or too large";
    case "step-zero":
      return "the step of a range is 0";
    case "too-many-steps":
      return `a range has ${fault.steps} steps, and may have ${fault.limit}: give a longer step after a colon, or a shorter range`;
    case "too-deep":
      return `functions are applied within functions to a depth of more than ${fault.limit}`;
    case "too-nested":
      return `the answer has vectors within vectors to a depth of more than ${fault.limit}`;
    case "stopped":
      return "Muninn stops";
    case "gone":
      return "the client has left";
    case "too-slow":
      return `the query takes longer than ${fault.limitMs} ms (muninn.timeseries.queryTimeout)`;
    case "too-big":
      return `the query needs more than ${fault.limitBytes} bytes of memory (muninn.timeseries.queryBytes)`;
  }
}

function syntaxText({ place, text, unexpected, expected }: QueryFault & { code: "syntax" }): string {
  const number = String(place.line);
  const margin = " ".repeat(number.length);
  const caret = `${" ".repeat(Math.min(place.column, maxShownLength) - 1)}^`;
  const lines = [
    `${shown(place)}:`,
    `${margin} |`,
    `${number} | ${text.slice(0, maxShownLength)}`,
    `${margin} | ${caret}`,
    `unexpected ${unexpected}`,
    `expecting ${expected}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Most characters shown of the line that cannot be read. */
const maxShownLength = 500;

function shown({ line, column }: Place): string {
  return `input:${line}:${column}`;
}

/** The place of a character in the query. */
export function placeIn(query: string, at: number): Place {
  const before = query.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: [...before.slice(lineStart)].length + 1 };
}
