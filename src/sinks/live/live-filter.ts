import type { NodeIdentity } from "../../nodes/identity.js";
import { type Severity, severities } from "../../protocol/trace-batch.js";
import { maxTextBytes, type SeenObject } from "./live-object.js";

/** A viewer's filter; absent parts let everything pass. */
export interface LiveQuery {
  /** Names or slugs, any of them. */
  readonly nodes?: readonly string[];
  /** Prefixes of whole segments, one of which must match: `ChainDB` matches `ChainDB.AddBlock` but not `ChainDBX`. */
  readonly namespaces?: readonly string[];
  /** This one and worse. */
  readonly severity?: Severity;
  /** Found as it is in the first 64 KiB of the machine or the human text. */
  readonly text?: string;
  /**
   * An expression of RE2, which takes linear time, found in the first 64 KiB of the machine or the human text; of an
   * expression of more than 15 instructions in less.
   */
  readonly regex?: string;
}

/** A query that cannot be. */
export class LiveQueryError extends Error {
  override readonly name = "LiveQueryError";
}

/** Whether an expression is found in what a text begins with. */
type Finds = (text: Buffer) => boolean;

/** Most steps of a search: at worst RE2 takes one for each byte and each instruction; this many take some 25 ms. */
const mostSteps = 1_000_000;
/** Of an expression; `[a-z]{300}` has some more than 300. */
const mostInstructions = 2_000;
/** Characters of an expression: classes such as `(?i)\pL` take a tenth of a millisecond each to compile. */
const mostCharacters = 400;

/** A compiled query; viewers with the same `key` share one. */
export class LiveFilter {
  readonly key: string;
  /** Index of the least severity that passes. */
  readonly least: number;
  readonly #nodes: ReadonlySet<string> | undefined;
  readonly #namespaces: readonly string[] | undefined;
  readonly #text: Buffer | undefined;
  readonly #finds: Finds | undefined;

  /** @throws LiveQueryError if the expression is invalid */
  static async of(query: LiveQuery): Promise<LiveFilter> {
    return new LiveFilter(query, query.regex === undefined ? undefined : await compiled(query.regex));
  }

  private constructor(query: LiveQuery, finds: Finds | undefined) {
    const { nodes, namespaces, severity, text, regex } = query;
    this.key = JSON.stringify([nodes, namespaces, severity, text, regex]);
    this.least = severity === undefined ? 0 : severities.indexOf(severity);
    this.#nodes = nodes && new Set(nodes);
    this.#namespaces = namespaces;
    this.#text = text === undefined || text === "" ? undefined : Buffer.from(text);
    this.#finds = finds;
  }

  /** Whether to check the clock after each object, because deciding on one may take a while. */
  get isSlow(): boolean {
    return this.#finds !== undefined || this.#text !== undefined;
  }

  wantsNode({ name, slug }: NodeIdentity): boolean {
    return this.#nodes === undefined || this.#nodes.has(name) || this.#nodes.has(slug);
  }

  /** Whether an object passes whose node and severity are wanted. */
  passes(object: SeenObject): boolean {
    return this.#passesNamespace(object) && this.#passesText(object) && this.#passesExpression(object);
  }

  #passesNamespace(object: SeenObject): boolean {
    if (this.#namespaces === undefined) return true;
    const { namespace } = object;
    return this.#namespaces.some(
      (prefix) =>
        namespace.startsWith(prefix) &&
        (namespace.length === prefix.length ||
          namespace[prefix.length] === "." ||
          prefix.endsWith(".") ||
          prefix === ""),
    );
  }

  #passesText({ machine, human }: SeenObject): boolean {
    const text = this.#text;
    return text === undefined || isIn(machine, text) || (human !== undefined && isIn(human, text));
  }

  #passesExpression({ machine, human }: SeenObject): boolean {
    const finds = this.#finds;
    if (finds === undefined) return true;
    return finds(machine) || (human !== undefined && finds(human));
  }
}

/** Takes the time of both lengths together for most texts, and at worst of both multiplied: some 16 ms. */
function isIn(whole: Buffer, text: Buffer): boolean {
  return whole.subarray(0, maxTextBytes).includes(text);
}

/** RE2: a viewer's expression takes no more time than the text is long, times its own length. */
async function compiled(expression: string): Promise<Finds> {
  const { RE2JS } = await import("re2js");
  try {
    if (expression.length > mostCharacters) throw new Error(`longer than ${mostCharacters} characters`);
    // To compile what repeats much would take a second.
    if (aboutInstructions(expression) > 2 * mostInstructions) throw new Error("too long; repeat less");
    const pattern = RE2JS.compile(expression);
    const instructions = pattern.programSize();
    if (instructions > mostInstructions) throw new Error("too long; repeat less");
    const mostBytes = Math.min(maxTextBytes, Math.ceil(mostSteps / instructions));
    return (text) => pattern.matcher(text.toString("utf8", 0, mostBytes)).find();
  } catch (error) {
    throw new LiveQueryError(`not a regular expression: ${(error as Error).message}`);
  }
}

/** A group's begin, an escape, a class, a repetition, or any other character. */
const partOfExpression =
  /\((?:\?(?:P?<\w+>|[a-zA-Z-]*:?))?|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gsu;

/** How long a program an expression makes, about: an instruction for each of its parts, times their repetitions. */
function aboutInstructions(expression: string): number {
  /** Of the groups that are open, the outermost first. */
  const sums = [0];
  let last = 0;
  for (const [part, least, most] of expression.matchAll(partOfExpression)) {
    if (part.startsWith("(")) {
      sums.push(0);
      continue;
    }
    const times = least === undefined ? undefined : Number(most || least);
    const isGroupEnd = part === ")" && sums.length > 1;
    const more = times === undefined ? (isGroupEnd ? sums.pop()! : 1) : last * (times - 1);
    last = times === undefined ? more : last + more;
    sums[sums.length - 1]! += more;
  }
  return sums.reduce((sum, size) => sum + size, 0);
}
