import { setImmediate } from "node:timers/promises";
import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  type Pair,
  Parser,
  type Tags,
  visit,
  type YAMLMap,
} from "yaml";
import type { FieldPath } from "../fields/kind.js";
import { type ConfigDocument, maxDepth } from "./document.js";
import { Positions } from "./positions.js";
import type { Problem } from "./problem.js";

/** Never throws: whatever is wrong with the text is in `errors`. */
export async function parseYaml(text: string): Promise<ConfigDocument> {
  const positions = new Positions(text);
  const problem = (offset: number, message: string): Problem => ({
    code: "syntax",
    position: positions.at(offset),
    message,
  });
  const failed = (errors: readonly Problem[]): ConfigDocument => {
    const start = positions.at(0);
    const places = { ofValue: () => start, ofKey: () => start };
    return { value: undefined, errors, warnings: [], places: async () => places };
  };

  const { tokens, tooDeepAt } = await tokensOf(text);
  if (tooDeepAt !== undefined) return failed([problem(tooDeepAt, `nested deeper than ${maxDepth} levels`)]);
  const [document, second] = compose(tokens, text.length);
  const errors = document.errors.map((error) => problem(error.pos[0], unquoted(error)));
  if (second !== undefined) errors.push(problem(second.range[0], "a second document; only one is allowed"));
  const { doubleKeys, aliasesOfNothing, aliasTooMany } = faultsOf(document);
  for (const { offset, first } of doubleKeys) {
    errors.push(problem(offset, `this key is given twice, first in line ${positions.at(first).line}`));
  }
  if (aliasTooMany !== undefined) errors.push(problem(aliasTooMany, `more than ${maxAliases} aliases (*)`));
  for (const offset of aliasesOfNothing) errors.push(problem(offset, ourWords.BAD_ALIAS));
  if (errors.length > 0) return failed(errors);

  try {
    return {
      value: document.toJS(),
      errors,
      warnings: document.warnings.map((warning) => problem(warning.pos[0], unquoted(warning))),
      places: async () => {
        const places = new NodePlaces(document);
        return {
          ofValue: (path) => positions.at(places.locate(path).value),
          ofKey: (path) => positions.at(places.locate(path).key),
        };
      },
    };
  } catch (cause) {
    // Limits aliases of aliases, which would fill the memory.
    return failed([problem(0, unquoted(cause as Error))]);
  }
}

/** Messages of the parser that contain a piece of the text, which may be a secret. */
const ourWords = {
  BAD_ALIAS: "an alias (*) without its anchor; write a string that begins with * in quotes",
  BAD_DIRECTIVE: "a directive (%) that means nothing here",
  TAG_RESOLVE_FAILED: "a tag (!) that means nothing here; write a string that begins with ! in quotes",
} as const;

/** The parser's message, without any content of the text. */
function unquoted({ code, message }: { readonly code?: string; readonly message: string }): string {
  return (ourWords as Readonly<Record<string, string>>)[code ?? ""] ?? message.split(":", 1).join();
}

/** How long a long file may hold up everything else at a time, in milliseconds. */
const turnMs = 20;

interface Lexed {
  readonly tokens: readonly CST.Token[];
  /** Where the text is nested too deeply: the code that reads tokens is recursive. */
  readonly tooDeepAt?: number;
  /** The text between two lines inside brackets, if the second is indented less than YAML demands. */
  readonly shallow?: { readonly from: number; readonly to: number };
}

/** Most characters that are read again because of lines indented too little. */
const rereadBudget = 8 * 2 ** 20;

/**
 * The text as the parser's tokens. cardano-tracer's YAML reader ignores indentation inside brackets, and some
 * configurations need that: such a line is read as a continuation of the line before. No offset changes.
 */
async function tokensOf(text: string): Promise<Lexed> {
  let read = await tokensOfStrict(text);
  for (let left = rereadBudget; read.shallow !== undefined && left > text.length; left -= text.length) {
    const { from, to } = read.shallow;
    text = text.slice(0, from) + " ".repeat(to - from) + text.slice(to);
    read = await tokensOfStrict(text);
  }
  return read;
}

async function tokensOfStrict(text: string): Promise<Lexed> {
  const parser = new Parser();
  const depth = new Depth(text);
  const tokens: CST.Token[] = [];
  let count = 0;
  let turnBegan = performance.now();
  for (const lexeme of new Lexer().lex(text)) {
    if (depth.after(lexeme) > maxDepth) return { tokens, tooDeepAt: depth.offset };
    if (lexeme === "\u0018") {
      const { gap } = depth;
      if (gap !== undefined && !/^(---|\.\.\.)\s/.test(text.slice(gap.to, gap.to + 4)))
        return { tokens: [...tokens, ...parser.next(lexeme), ...parser.end()], shallow: gap };
    }
    tokens.push(...parser.next(lexeme));
    count += 1;
    if (count % 256 !== 0 || performance.now() - turnBegan < turnMs) continue;
    await setImmediate();
    turnBegan = performance.now();
  }
  tokens.push(...parser.end());
  return { tokens };
}

function compose(tokens: readonly CST.Token[], length: number): [Document.Parsed, Document.Parsed?] {
  // cardano-tracer's YAML reader supports merge keys (`<<`), too.
  const composer = new Composer({
    merge: true,
    stringKeys: true,
    uniqueKeys: false,
    customTags: withoutOctal,
  });
  return [...composer.compose(tokens, true, length)] as unknown as [Document.Parsed, Document.Parsed?];
}

/** Leaves `0o640` a text: a file mode must not be confused with the decimal number that `0640` is in YAML. */
function withoutOctal(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === "string" || tag.format !== "OCT");
}

/** How deeply a text is nested, lexeme by lexeme. */
class Depth {
  /** The depth of the last lexeme. */
  offset = 0;
  readonly #text: string;
  #next = 0;
  /** The last lexeme that is neither space nor comment, and where it ended. */
  #content = "";
  #contentEnd = 0;
  #brackets = 0;
  #blocks = 0;
  #isScalarNext = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** Line ends, spaces and comments before what comes next, if that begins a line, and not inside quotes. */
  get gap(): { readonly from: number; readonly to: number } | undefined {
    const quote = /^["']/.exec(this.#content)?.[0];
    if (quote !== undefined && !(this.#content.length > 1 && this.#content.endsWith(quote))) return undefined;
    const gap = { from: this.#contentEnd, to: this.#next };
    return this.#text.slice(gap.from, gap.to).includes("\n") ? gap : undefined;
  }

  after(lexeme: string): number {
    this.offset = this.#next;
    // The lexer's own marks, which are not in the text: a document, a scalar, an early end of brackets.
    if (lexeme === "\u0002" || lexeme === "\u0018") return 0;
    if (lexeme === "\u001f") {
      this.#isScalarNext = true;
      return 0;
    }
    if (!this.#isScalarNext) this.#look(lexeme);
    const isContent = this.#isScalarNext || (lexeme.trim() !== "" && !lexeme.startsWith("#"));
    this.#isScalarNext = false;
    this.#next += lexeme.length;
    if (isContent) {
      this.#content = lexeme;
      this.#contentEnd = this.#next;
    }
    return this.#brackets + this.#blocks;
  }

  #look(lexeme: string): void {
    if (lexeme === "[" || lexeme === "{") this.#brackets += 1;
    else if (lexeme === "]" || lexeme === "}") this.#brackets -= 1;
    else if (lexeme === "-" || lexeme === "?") this.#blocks += 1;
    else if (lexeme.endsWith("\n")) this.#blocks = 0;
    else if (this.#brackets === 0 && this.#text[this.offset - 1] === "\n" && lexeme.trim() === "")
      this.#blocks = lexeme.length;
  }
}

interface Faults {
  /** Keys that are given twice: offsets of the second, and of the first. */
  readonly doubleKeys: readonly { readonly offset: number; readonly first: number }[];
  /** Offsets of aliases without an earlier anchor of that name. */
  readonly aliasesOfNothing: readonly number[];
  /** Offset of the first alias too many. */
  readonly aliasTooMany: number | undefined;
}

/** The parser looks for each alias among all anchors. */
const maxAliases = 1_000;

/** Errors that the parser does not report. */
function faultsOf(document: Document): Faults {
  const doubleKeys: { offset: number; first: number }[] = [];
  const aliasesOfNothing: number[] = [];
  let aliases = 0;
  let aliasTooMany: number | undefined;
  const anchors = new Set<string>();
  const note = ({ anchor }: { readonly anchor?: string | undefined }) => {
    if (anchor !== undefined) anchors.add(anchor);
  };
  visit(document, {
    Scalar: (_, scalar) => note(scalar),
    Seq: (_, seq) => note(seq),
    Alias: (_, { source, range }) => {
      aliases += 1;
      if (aliases > maxAliases) aliasTooMany ??= range?.[0] ?? 0;
      if (!anchors.has(source)) aliasesOfNothing.push(range?.[0] ?? 0);
    },
    Map: (_, map) => {
      note(map);
      const seen = new Map<unknown, number>();
      for (const { key } of map.items) {
        // Several merge keys are legal.
        if (!isScalar(key) || key.value === "<<") continue;
        const offset = key.range?.[0] ?? 0;
        const first = seen.get(key.value);
        if (first === undefined) seen.set(key.value, offset);
        else doubleKeys.push({ offset, first });
      }
    },
  });
  return { doubleKeys, aliasesOfNothing, aliasTooMany };
}

/** Offsets of a value and of its key. */
interface Location {
  readonly value: number;
  readonly key: number;
}

/** Finds nodes by their path; each mapping is scanned only once. */
class NodePlaces {
  readonly #document: Document;
  readonly #pairs = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  readonly #resolved = new Map<Alias, Node | null>();

  constructor(document: Document) {
    this.#document = document;
  }

  locate(path: FieldPath): Location {
    let node = this.#document.contents as Node | null;
    let location: Location = { value: offsetOf(node, 0), key: offsetOf(node, 0) };
    for (const step of path) {
      const collection = isAlias(node) ? this.#resolve(node) : node;
      if (isMap(collection)) {
        const pair = this.#pairsOf(collection).get(String(step));
        if (pair === undefined) return location;
        const key = offsetOf(pair.key, location.value);
        node = pair.value as Node | null;
        location = { key, value: offsetOf(node, key) };
      } else if (isSeq(collection)) {
        node = collection.items[Number(step)] as Node | null;
        const offset = offsetOf(node, location.value);
        location = { key: offset, value: offset };
      } else {
        return location;
      }
    }
    return location;
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    let pairs = this.#pairs.get(map);
    if (pairs === undefined) {
      pairs = new Map(map.items.map((pair) => [isScalar(pair.key) ? String(pair.key.value) : "", pair]));
      this.#pairs.set(map, pairs);
    }
    return pairs;
  }

  #resolve(alias: Alias): Node | null {
    let node = this.#resolved.get(alias);
    if (node === undefined) {
      node = alias.resolve(this.#document) ?? null;
      this.#resolved.set(alias, node);
    }
    return node;
  }
}

/** `fallback` is used for merged values from elsewhere, and for a value that is not written at all. */
function offsetOf(node: unknown, fallback: number): number {
  const range = (node as Node | null | undefined)?.range;
  return range === undefined || range === null || range[0] === range[1] ? fallback : range[0];
}
