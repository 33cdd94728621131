/** Nodes say the same few words again and again; one that makes them up is slower, and takes no more memory. */
const maxKnown = 1_000;

/** Encoded parts of records by the word they are made of. */
export class KnownParts {
  readonly #parts = new Map<string, Uint8Array>();
  #lastWord: string | undefined;
  #last!: Uint8Array;
  readonly #make: (word: string) => Uint8Array;

  constructor(make: (word: string) => Uint8Array) {
    this.#make = make;
  }

  of(word: string): Uint8Array {
    // Often it is the same one again.
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
