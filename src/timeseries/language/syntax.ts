/** The operators and builtins of cardano-timeseries-io 1.1.0; docs/timeseries.md says what they mean. */
export type ComparisonOperator = "==" | "!=" | "<=" | ">=" | "<" | ">";
export type ArithmeticOperator = "+" | "-" | "*" | "/";
export type BinaryOperator = "||" | "&&" | ComparisonOperator | ArithmeticOperator;

/** How many arguments each builtin takes; `quantile_by` has a list of labels before them. */
export const arities = {
  fst: 1,
  snd: 1,
  min: 1,
  max: 1,
  avg: 1,
  abs: 1,
  round: 1,
  to_scalar: 1,
  metrics: 0,
  increase: 1,
  rate: 1,
  avg_over_time: 1,
  sum_over_time: 1,
  quantile_over_time: 2,
  quantile_by: 2,
  filter: 2,
  map: 2,
  join: 2,
  unless: 2,
  earliest: 1,
  latest: 1,
} as const;

export type BuiltinName = keyof typeof arities;

/** Not usable as plain names, except `round` in places where no function is expected. */
export const keywords: ReadonlySet<string> = new Set([
  ...["let", "in", "true", "false", "epoch", "now"],
  ...Object.keys(arities).filter((name) => name !== "round"),
]);

/** `name = value`, or `name != value`. */
export interface LabelCondition {
  readonly name: string;
  readonly value: string;
  readonly isEqual: boolean;
}

/** `at` is the position of the first character, or of the operator; `depth` is the longest path down to a leaf. */
export type Expression = { readonly at: number; readonly depth: number } & (
  | { readonly kind: "constant"; readonly value: number | boolean | string }
  | { readonly kind: "duration"; readonly ms: number }
  | { readonly kind: "epoch" | "now" | "unit" }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pair"; readonly first: Expression; readonly second: Expression }
  | { readonly kind: "let"; readonly name: string; readonly value: Expression; readonly body: Expression }
  | { readonly kind: "lambda"; readonly parameter: string; readonly body: Expression }
  | { readonly kind: "application"; readonly applied: Expression; readonly argument: Expression }
  | {
      readonly kind: "builtin";
      readonly name: BuiltinName;
      readonly arguments: readonly Expression[];
      readonly labels: readonly string[];
    }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "not"; readonly operand: Expression }
  | {
      readonly kind: "range";
      readonly of: Expression;
      readonly from: Expression;
      readonly to: Expression;
      readonly step: Expression | undefined;
    }
  | { readonly kind: "labels"; readonly of: Expression; readonly conditions: readonly LabelCondition[] }
);

/** Deepest nesting of expressions: they are parsed, checked and evaluated by recursion, which must not overflow the stack. */
export const maxDepth = 400;
