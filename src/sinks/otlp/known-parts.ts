/** Nodes repeat a few words; beyond this many different ones a node becomes slower, but takes no more memory. */
const maxKnown = 1_000;

/** A cache of encoded parts of records, by the word they contain. */
export class KnownParts {
  readonly #parts = new Map<string, Uint8Array>();
  #lastWord: string | undefined;
  #last!: Uint8Array;
  readonly #make: (word: string) => Uint8Array;

  constructor(make: (word: string) => Uint8Array) {
    this.#make = make;
  }

  of(word: string): Uint8Array {
    // Often the same word is repeated.
    if (word === this.#lastWord) return this.#last;
    this.#last = this.#find(word);
    this.#lastWord = word;
    return this.#last;
  }

  #find(word: string): Uint8Array {
    const known = this.#parts.get(word);
    if (known !== undefined) return known;
    if (this.#parts.size >= maxKnown) this.#parts.clear();
    const made = this.#make(word);
    this.#parts.set(word, made);
    return made;
  }
}
