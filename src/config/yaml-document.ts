import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  Parser,
  type Tags,
  visit,
} from "yaml";
import type { FieldPath } from "../fields/kind.js";
import { type ConfigDocument, maxDepth } from "./document.js";
import type { Position, Problem } from "./problem.js";

/** Never throws: whatever is wrong with the text is in `errors`. */
export function parseYaml(text: string): ConfigDocument {
  const problem = (offset: number, message: string): Problem => ({
    code: "syntax",
    position: positionAt(text, offset),
    message,
  });
  const failed = (errors: readonly Problem[]): ConfigDocument => {
    const start = positionAt(text, 0);
    const places = { ofValue: () => start, ofKey: () => start };
    return { value: undefined, errors, warnings: [], places: async () => places };
  };

  const tooDeep = tooDeepAt(text);
  if (tooDeep !== undefined) return failed([problem(tooDeep, `nested deeper than ${maxDepth} levels`)]);
  const [document, second] = compose(text);
  const errors = document.errors.map(({ pos, message }) => problem(pos[0], message));
  if (second !== undefined) errors.push(problem(second.range[0], "a second document; only one is allowed"));
  for (const { offset, key } of doubleKeys(document)) errors.push(problem(offset, `${key} is given twice`));
  if (errors.length > 0) return failed(errors);

  try {
    return {
      value: document.toJS(),
      errors,
      warnings: document.warnings.map(({ pos, message }) => problem(pos[0], message)),
      places: async () => ({
        ofValue: (path) => positionAt(text, locate(document, path).value),
        ofKey: (path) => positionAt(text, locate(document, path).key),
      }),
    };
  } catch (cause) {
    // An alias of nothing, or aliases of aliases that would fill the memory.
    return failed([problem(0, (cause as Error).message)]);
  }
}

function compose(text: string): [Document.Parsed, Document.Parsed?] {
  // cardano-tracer's reader of YAML knows merge keys (`<<`) too.
  const composer = new Composer({
    merge: true,
    stringKeys: true,
    uniqueKeys: false,
    customTags: withoutOctal,
  });
  const documents = composer.compose(new Parser().parse(text), true, text.length);
  return [...documents] as unknown as [Document.Parsed, Document.Parsed?];
}

/** Leaves `0o640` a text: a file mode must not be confused with the decimal number that `0640` is in YAML. */
function withoutOctal(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === "string" || tag.format !== "OCT");
}

/** Where the text is nested too deeply, as an offset; the parser's own recursion would end the process. */
function tooDeepAt(text: string): number | undefined {
  let offset = 0;
  let brackets = 0;
  let blocks = 0;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    // The lexer's own marks, which are not in the text: a document, a scalar, an early end of brackets.
    if (token === "\u0002" || token === "\u0018") continue;
    if (token === "\u001f") {
      isScalarNext = true;
      continue;
    }
    if (!isScalarNext) {
      if (token === "[" || token === "{") brackets += 1;
      else if (token === "]" || token === "}") brackets -= 1;
      else if (token === "-" || token === "?") blocks += 1;
      else if (token.endsWith("\n")) blocks = 0;
      else if (brackets === 0 && text[offset - 1] === "\n" && token.trim() === "") blocks = token.length;
    }
    isScalarNext = false;
    if (brackets + blocks > maxDepth) return offset;
    offset += token.length;
  }
  return undefined;
}

function doubleKeys(document: Document): { readonly offset: number; readonly key: string }[] {
  const found: { offset: number; key: string }[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        // Several merge keys are legal.
        if (!isScalar(key) || key.value === "<<") continue;
        if (seen.has(key.value)) found.push({ offset: key.range?.[0] ?? 0, key: JSON.stringify(key.value) });
        seen.add(key.value);
      }
    },
  });
  return found;
}

/** Offsets of a value and of its key. */
interface Location {
  readonly value: number;
  readonly key: number;
}

function locate(document: Document, path: FieldPath): Location {
  let node = document.contents as Node | null;
  let location: Location = { value: offsetOf(node, 0), key: offsetOf(node, 0) };
  for (const step of path) {
    const collection = isAlias(node) ? node.resolve(document) : node;
    if (isMap(collection)) {
      const pair = collection.items.find(({ key }) => isScalar(key) && String(key.value) === step);
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

/** `fallback` for what merging has brought from elsewhere, and for a value that is not written at all. */
function offsetOf(node: unknown, fallback: number): number {
  const range = (node as Node | null | undefined)?.range;
  return range === undefined || range === null || range[0] === range[1] ? fallback : range[0];
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
