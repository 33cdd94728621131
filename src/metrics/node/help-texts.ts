import { LRUCache } from "lru-cache";

/** What a node appends to a metric's name to show its type. */
const typeSuffix = /_(?:int|counter|real)$/;

/** Most names whose result is remembered: nodes have a few hundred metrics, mostly the same. */
const rememberedNames = 10_000;
/** Longer than real names; what a hostile node invents is not kept. */
const longestRemembered = 256;

/** The results of look-ups in each set of texts. */
const lookedUp = new WeakMap<ReadonlyMap<string, string>, Lookup>();

/**
 * The help text of a metric, from texts by key. The official files have bare keys (`Mem.resident`) for names such as
 * `cardano.node.metrics.Mem.resident_int`: a key matches the internal name, with its type suffix or without, or the
 * end of that after a dot. An exact match wins, then the longest key.
 */
export function helpFor(internalName: string, help: ReadonlyMap<string, string>): string | undefined {
  let lookup = lookedUp.get(help);
  if (lookup === undefined) {
    lookup = new Lookup(help);
    lookedUp.set(help, lookup);
  }
  return lookup.textOf(internalName);
}

class Lookup {
  readonly #help: ReadonlyMap<string, string>;
  readonly #longestKey: number;
  /** Internal name → key, empty if there is none. */
  readonly #keys = new LRUCache<string, string>({ max: rememberedNames });

  constructor(help: ReadonlyMap<string, string>) {
    this.#help = help;
    this.#longestKey = [...help.keys()].reduce((most, { length }) => Math.max(most, length), 0);
  }

  textOf(internalName: string): string | undefined {
    let key = this.#keys.get(internalName);
    if (key === undefined) {
      key = this.#keyOf(internalName);
      if (internalName.length <= longestRemembered) this.#keys.set(internalName, key);
    }
    return key === "" ? undefined : this.#help.get(key);
  }

  #keyOf(internalName: string): string {
    const forms = [internalName, internalName.replace(typeSuffix, "")];
    let best = forms.find((form) => this.#help.has(form)) ?? "";
    if (best !== "") return best;
    for (const form of forms) {
      // A name longer than any key need not be looked up: nodes choose names, of any length and with any dots.
      let dot = form.indexOf(".", form.length - this.#longestKey - 1);
      for (; dot !== -1; dot = form.indexOf(".", dot + 1)) {
        const end = form.slice(dot + 1);
        if (end.length > best.length && this.#help.has(end)) best = end;
      }
    }
    return best;
  }
}
