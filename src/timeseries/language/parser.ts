import type { Meter } from "./meter.js";
import type { Work } from "./query-context.js";
import { Scanner } from "./scanner.js";
import {
  arities,
  type BinaryOperator,
  type BuiltinName,
  type Expression,
  type LabelCondition,
  maxDepth,
} from "./syntax.js";

/** From the loosest binding to the tightest; each is read from left to right. */
const levels: readonly (readonly BinaryOperator[])[] = [
  ["||"],
  ["&&"],
  ["==", "!=", "<=", ">=", "<", ">"],
  ["+", "-"],
  ["*", "/"],
];

/** Longest names first: `quantile_by` is not `quantile`. */
const builtinNames = (Object.keys(arities) as BuiltinName[]).sort((a, b) => b.length - a.length);

const someExpression = "an expression";

/**
 * Reads a query of cardano-timeseries-io 1.1.0:
 *
 *     query   = expr ws* END
 *     expr    = "let" ws+ ident ws* "=" ws* expr ws* "in" ws+ expr | "\" ws* ident ws* "->" ws* expr | or
 *     or, and, comp, add, mul = operators of one level between operands of the next
 *     app     = ( builtin | arg ) ( ws+ arg )*
 *     arg     = "!" ws* atom | atom ( ws* ( range | labels ) )*
 *     range   = "[" ws* expr ws* ";" ws* expr ( ws* ":" ws* expr ws* )? "]"
 *     labels  = "{" ws* "}" | "{" ws* pair ( ws* "," ws* pair )* "}"      pair = text ws* ( "=" | "!=" ) ws* text
 *     atom    = "(" ws* ( expr ( ws* "," ws* expr )* )? ws* ")" | "epoch" | "true" | "false" | "now"
 *             | ident | duration | number | text
 *
 * White space is allowed only where the grammar says so. Pauses regularly, because a query may be a hundred thousand
 * characters long.
 *
 * @throws QueryError of the type `parse`
 */
export function parseQuery(query: string, meter: Meter): Work<Expression> {
  return new Parser(query, meter).query();
}

/** The work for each number, name or other smallest part, in the units of `Meter.isDue`. */
const workOfAtom = 64;

class Parser {
  readonly #scanner: Scanner;
  readonly #meter: Meter;
  #nesting = 0;

  constructor(query: string, meter: Meter) {
    this.#scanner = new Scanner(query);
    this.#meter = meter;
  }

  *query(): Work<Expression> {
    const expression = yield* this.#expression();
    this.#scanner.space();
    if (!this.#scanner.isAtEnd) this.#scanner.fail("an operator, an argument or the end of input");
    return expression;
  }

  *#expression(): Work<Expression> {
    const scanner: Scanner = this.#scanner;
    const { at } = scanner;
    // Open brackets use the stack before their depth is known.
    this.#nesting += 1;
    if (this.#nesting * 2 > maxDepth) scanner.fail(`a query that is nested at most ${maxDepth / 2} deep`);
    const expression = (yield* this.#let(at)) ?? (yield* this.#lambda(at)) ?? (yield* this.#level(0));
    this.#nesting -= 1;
    return expression;
  }

  *#let(at: number): Work<Expression | undefined> {
    const scanner: Scanner = this.#scanner;
    if (!scanner.takeWord("let")) return undefined;
    this.#someSpace();
    const name = this.#identifier();
    scanner.space();
    scanner.expect("=");
    scanner.space();
    const value = yield* this.#expression();
    scanner.space();
    if (!scanner.takeWord("in")) scanner.fail('an operator, an argument or "in"');
    this.#someSpace();
    const body = yield* this.#expression();
    return { kind: "let", name, value, body, at, depth: this.#depth(value, body) };
  }

  *#lambda(at: number): Work<Expression | undefined> {
    const scanner: Scanner = this.#scanner;
    if (!scanner.take("\\")) return undefined;
    scanner.space();
    const parameter = this.#identifier();
    scanner.space();
    scanner.expect("->");
    scanner.space();
    const body = yield* this.#expression();
    return { kind: "lambda", parameter, body, at, depth: this.#depth(body) };
  }

  *#level(level: number): Work<Expression> {
    const operators = levels[level];
    if (operators === undefined) return yield* this.#application();
    let left = yield* this.#level(level + 1);
    for (;;) {
      const before = this.#scanner.at;
      this.#scanner.space();
      const { at } = this.#scanner;
      const operator = operators.find((each) => this.#scanner.take(each));
      if (operator === undefined) {
        this.#scanner.at = before;
        return left;
      }
      this.#scanner.space();
      const right = yield* this.#level(level + 1);
      left = { kind: "binary", operator, left, right, at, depth: this.#depth(left, right) };
    }
  }

  *#application(): Work<Expression> {
    const { at } = this.#scanner;
    let applied = (yield* this.#builtin(at)) ?? (yield* this.#argument());
    if (applied === undefined) this.#scanner.fail(someExpression);
    for (;;) {
      const argument = yield* this.#nextArgument();
      if (argument === undefined) return applied;
      // Only metrics and the query's own functions can be applied like this; a builtin already has all its arguments.
      if (applied.kind === "builtin" && applied.at === at)
        this.#scanner.fail("no further argument", argument.at);
      applied = {
        kind: "application",
        applied,
        argument,
        at: argument.at,
        depth: this.#depth(applied, argument),
      };
    }
  }

  *#builtin(at: number): Work<Expression | undefined> {
    const scanner: Scanner = this.#scanner;
    const name = builtinNames.find((each) => scanner.takeWord(each));
    if (name === undefined) return undefined;
    const labels = name === "quantile_by" ? yield* this.#labelNames() : [];
    const given: Expression[] = [];
    while (given.length < arities[name]) {
      const argument = yield* this.#nextArgument();
      if (argument === undefined) scanner.fail(`an argument of ${name}, after white space`);
      const isNamed = name === "earliest" || name === "latest";
      if (isNamed && argument.kind !== "name") scanner.fail("a name", argument.at);
      given.push(argument);
    }
    return { kind: "builtin", name, arguments: given, labels, at, depth: this.#depth(...given) };
  }

  /** `("a", "b")` */
  *#labelNames(): Work<string[]> {
    const scanner: Scanner = this.#scanner;
    scanner.space();
    scanner.expect("(");
    scanner.space();
    const names = [this.#text()];
    while (this.#comma()) {
      names.push(this.#text());
      if (this.#meter.isDue(workOfAtom)) yield;
    }
    scanner.expect(")");
    return names;
  }

  /** An argument after white space; if there is none, undefined, and the position stays. */
  *#nextArgument(): Work<Expression | undefined> {
    const before = this.#scanner.at;
    const argument = this.#scanner.space() ? yield* this.#argument() : undefined;
    if (argument === undefined) this.#scanner.at = before;
    return argument;
  }

  *#argument(): Work<Expression | undefined> {
    const scanner: Scanner = this.#scanner;
    const { at } = scanner;
    if (scanner.take("!")) {
      scanner.space();
      const operand = yield* this.#atom();
      // It may be the operator `!=`.
      if (operand !== undefined) return { kind: "not", operand, at, depth: this.#depth(operand) };
      scanner.at = at;
      return undefined;
    }
    const atom = yield* this.#atom();
    return atom === undefined ? undefined : yield* this.#postfixes(atom);
  }

  *#postfixes(atom: Expression): Work<Expression> {
    let of = atom;
    for (;;) {
      const before = this.#scanner.at;
      this.#scanner.space();
      const postfix = (yield* this.#range(of)) ?? (yield* this.#labels(of));
      if (postfix === undefined) {
        this.#scanner.at = before;
        return of;
      }
      of = postfix;
    }
  }

  *#range(of: Expression): Work<Expression | undefined> {
    const scanner: Scanner = this.#scanner;
    const { at } = scanner;
    if (!scanner.take("[")) return undefined;
    scanner.space();
    const from = yield* this.#expression();
    scanner.space();
    scanner.expect(";");
    scanner.space();
    const to = yield* this.#expression();
    const before = scanner.at;
    scanner.space();
    let step: Expression | undefined;
    if (scanner.take(":")) {
      scanner.space();
      step = yield* this.#expression();
      scanner.space();
    } else {
      scanner.at = before;
    }
    scanner.expect("]");
    const depth = this.#depth(of, from, to, ...(step === undefined ? [] : [step]));
    return { kind: "range", of, from, to, step, at, depth };
  }

  *#labels(of: Expression): Work<Expression | undefined> {
    const scanner: Scanner = this.#scanner;
    const { at } = scanner;
    if (!scanner.take("{")) return undefined;
    scanner.space();
    const conditions: LabelCondition[] = [];
    if (!scanner.take("}")) {
      conditions.push(this.#condition());
      while (this.#comma()) {
        conditions.push(this.#condition());
        if (this.#meter.isDue(workOfAtom)) yield;
      }
      scanner.expect("}");
    }
    return { kind: "labels", of, conditions, at, depth: this.#depth(of) };
  }

  #condition(): LabelCondition {
    const scanner: Scanner = this.#scanner;
    const name = this.#text();
    scanner.space();
    const isEqual = scanner.take("=");
    if (!isEqual && !scanner.take("!=")) scanner.fail('"=" or "!="');
    scanner.space();
    return { name, value: this.#text(), isEqual };
  }

  *#atom(): Work<Expression | undefined> {
    if (this.#meter.isDue(workOfAtom)) yield;
    const scanner: Scanner = this.#scanner;
    const { at } = scanner;
    const leaf = { at, depth: 1 };
    if (scanner.take("(")) return yield* this.#parenthesis(at);
    // As in the original, these four are recognized wherever a word begins with them: `nowhere` is `now` and a rest.
    if (scanner.take("epoch")) return { kind: "epoch", ...leaf };
    if (scanner.take("true")) return { kind: "constant", value: true, ...leaf };
    if (scanner.take("false")) return { kind: "constant", value: false, ...leaf };
    if (scanner.take("now")) return { kind: "now", ...leaf };
    const name = scanner.takeIdentifier();
    if (name !== undefined) return { kind: "name", name, ...leaf };
    const ms = scanner.takeDuration();
    if (ms !== undefined) return { kind: "duration", ms, ...leaf };
    const value = scanner.takeNumber() ?? scanner.takeText();
    return value === undefined ? undefined : { kind: "constant", value, ...leaf };
  }

  /** `()`, `(a)`, and `(a, b, c)`, which is `(a, (b, c))`. */
  *#parenthesis(at: number): Work<Expression> {
    const scanner: Scanner = this.#scanner;
    scanner.space();
    if (scanner.take(")")) return { kind: "unit", at, depth: 1 };
    const items = [yield* this.#expression()];
    while (this.#comma()) items.push(yield* this.#expression());
    scanner.space();
    scanner.expect(")");
    return items.reduceRight((second, first) => {
      return { kind: "pair", first, second, at: first.at, depth: this.#depth(first, second) };
    });
  }

  /** A comma with white space around it; if there is none, undefined, and the position stays. */
  #comma(): boolean {
    const before = this.#scanner.at;
    this.#scanner.space();
    if (!this.#scanner.take(",")) {
      this.#scanner.at = before;
      return false;
    }
    this.#scanner.space();
    return true;
  }

  #identifier(): string {
    return this.#scanner.takeIdentifier() ?? this.#scanner.fail("a name that is not a keyword");
  }

  #text(): string {
    return this.#scanner.takeText() ?? this.#scanner.fail('a text in "quotes"');
  }

  #someSpace(): void {
    if (!this.#scanner.space()) this.#scanner.fail("white space");
  }

  #depth(...parts: Expression[]): number {
    const depth = 1 + Math.max(0, ...parts.map((part) => part.depth));
    if (depth > maxDepth) this.#scanner.fail(`a query that is nested at most ${maxDepth} deep`);
    return depth;
  }
}
