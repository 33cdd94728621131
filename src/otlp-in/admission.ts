export interface AdmissionOptions {
  /** Of what all peers may make Muninn hold. */
  readonly maxBytes: number;
  /** What nodes hold of that at the moment. */
  readonly heldByNodes: () => number;
}

/** Decides how much of requests that are not safe yet is held, within what all peers may take together. */
export class Admission {
  readonly #options: AdmissionOptions;
  #bytes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Of requests under way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A place for a request; grows with what comes of it. */
  enter(): Place {
    let mine = 0;
    return {
      hold: (more) => {
        const wanted = mine + more;
        const others = this.#bytes - mine;
        const { maxBytes, heldByNodes } = this.#options;
        // One at a time always gets through, whatever its size.
        if (others > 0 && others + wanted + heldByNodes() > maxBytes) return false;
        if (others === 0 && heldByNodes() >= maxBytes) return false;
        this.#bytes = others + wanted;
        mine = wanted;
        return true;
      },
      leave: () => {
        this.#bytes -= mine;
        mine = 0;
      },
    };
  }
}

/** Of one request. */
export interface Place {
  /** Whether there is room for this many bytes more, of its body or what is made of it; if not, what was held before stays. */
  readonly hold: (bytes: number) => boolean;
  leave(): void;
}
