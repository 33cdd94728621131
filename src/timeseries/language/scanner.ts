import { placeIn, QueryError } from "./query-fault.js";
import { keywords } from "./syntax.js";

const patterns = {
  whiteSpace: /\s*/y,
  identifier: /[\p{L}_][\p{L}\p{N}_]*/uy,
  wordEnd: /(?![\p{L}\p{N}_])/uy,
  quotedName: /`[^`\p{Cc}]+`/uy,
  text: /"[^"\p{Cc}]*"/uy,
  duration: /(\d+)(ms|s|m|h)(?!\p{L})/uy,
  number: /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
} as const;

const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads a query's words, one after another. Methods named `take…` advance only if they find what they are looking for. */
export class Scanner {
  readonly query: string;
  at = 0;

  constructor(query: string) {
    this.query = query;
  }

  /** Skips white space; returns whether there was any. */
  space(): boolean {
    const before = this.at;
    this.#match(patterns.whiteSpace);
    return this.at > before;
  }

  get isAtEnd(): boolean {
    return this.at === this.query.length;
  }

  take(symbol: string): boolean {
    if (!this.query.startsWith(symbol, this.at)) return false;
    this.at += symbol.length;
    return true;
  }

  /** A word that no letter, digit or `_` follows. */
  takeWord(word: string): boolean {
    const before = this.at;
    if (this.take(word) && this.#match(patterns.wordEnd) !== undefined) return true;
    this.at = before;
    return false;
  }

  /** A plain or quoted name that is not a keyword. */
  takeIdentifier(): string | undefined {
    const quoted = this.#match(patterns.quotedName)?.[0];
    if (quoted !== undefined) return quoted.slice(1, -1);
    const before = this.at;
    const plain = this.#match(patterns.identifier)?.[0];
    if (plain !== undefined && !keywords.has(plain)) return plain;
    this.at = before;
    return undefined;
  }

  takeText(): string | undefined {
    return this.#match(patterns.text)?.[0].slice(1, -1);
  }

  /** Milliseconds. */
  takeDuration(): number | undefined {
    const before = this.at;
    const found = this.#match(patterns.duration);
    if (found === undefined) return undefined;
    const ms = Number(found[1]) * msPerUnit[found[2]!]!;
    if (ms > Number.MAX_SAFE_INTEGER) this.fail("a shorter duration", before);
    return ms;
  }

  takeNumber(): number | undefined {
    const found = this.#match(patterns.number)?.[0];
    return found === undefined ? undefined : Number(found);
  }

  /** @throws QueryError */
  expect(symbol: string): void {
    if (!this.take(symbol)) this.fail(`"${symbol}"`);
  }

  /** @throws QueryError */
  fail(expected: string, at = this.at): never {
    const { query } = this;
    const lineEnd = query.indexOf("\n", at);
    const text = query.slice(query.lastIndexOf("\n", at - 1) + 1, lineEnd === -1 ? query.length : lineEnd);
    const character = query.codePointAt(at);
    const unexpected =
      character === undefined ? "end of input" : JSON.stringify(String.fromCodePoint(character));
    throw new QueryError({ code: "syntax", place: placeIn(query, at), text, unexpected, expected });
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.query);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }
}
