import type { NodeIdentity } from "../../nodes/identity.js";
import { type Severity, severities } from "../../protocol/trace-batch.js";
import { maxTextBytes, type SeenObject } from "./live-object.js";

/** What a viewer wants to see; absent parts let everything pass. */
export interface LiveQuery {
  /** Names or slugs, any of them. */
  readonly nodes?: readonly string[];
  /** Whole segments that the namespace begins with, any of them: `ChainDB` is that of `ChainDB.AddBlock`, not of `ChainDBX`. */
  readonly namespaces?: readonly string[];
  /** This one and worse. */
  readonly severity?: Severity;
  /** Found as it is in the machine or the human text. */
  readonly text?: string;
  /** An expression of RE2, which takes linear time, found in the first 64 KiB of the machine or the human text. */
  readonly regex?: string;
}

/** A query that cannot be. */
export class LiveQueryError extends Error {
  override readonly name = "LiveQueryError";
}

/** Whether an expression is found in a text. */
type Finds = (text: string) => boolean;

/** A query made ready; viewers with the same `key` share one. */
export class LiveFilter {
  readonly key: string;
  /** Index of the least severity that passes. */
  readonly least: number;
  readonly #nodes: ReadonlySet<string> | undefined;
  readonly #namespaces: readonly string[] | undefined;
  readonly #text: Buffer | undefined;
  readonly #finds: Finds | undefined;

  /** @throws LiveQueryError where the expression is none */
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

  wantsNode({ name, slug }: NodeIdentity): boolean {
    return this.#nodes === undefined || this.#nodes.has(name) || this.#nodes.has(slug);
  }

  /** Whether an object passes, of a node that is wanted and of a severity that is. */
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
    return text === undefined || machine.includes(text) || human?.includes(text) === true;
  }

  #passesExpression({ machine, human }: SeenObject): boolean {
    const finds = this.#finds;
    if (finds === undefined) return true;
    return (
      finds(machine.toString("utf8", 0, maxTextBytes)) ||
      (human !== undefined && finds(human.toString("utf8", 0, maxTextBytes)))
    );
  }
}

/** RE2: an expression of a viewer's takes no more time than the text is long, whatever it says. */
async function compiled(expression: string): Promise<Finds> {
  const { RE2JS } = await import("re2js");
  try {
    const pattern = RE2JS.compile(expression);
    return (text) => pattern.matcher(text).find();
  } catch (error) {
    throw new LiveQueryError(`not a regular expression: ${(error as Error).message}`);
  }
}
