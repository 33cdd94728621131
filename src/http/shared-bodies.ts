import type { Body } from "./body.js";
import type { BodyBudget, Rendering } from "./body-budget.js";

/** How long a body is kept for further requests, in milliseconds: many scrapers may ask for it at the same time. */
const keptMs = 1_000;

interface Shared {
  readonly version: number | undefined;
  readonly body: Promise<Body | undefined>;
}

export interface Wanted extends Pick<Rendering, "gzip"> {
  /** Identifies a body, whether compressed or not. */
  readonly key: string;
  /** The version of its data: a body of the same version is still valid. Undefined if it is unknown. */
  readonly version: number | undefined;
  /** Called only if the body does not exist yet: thousands may ask for the same one, and preparing its contents may take a while. */
  readonly make: () => Omit<Rendering, "gzip">;
}

/** Makes a body that many ask for at the same time only once, and keeps one copy while they read. */
export class SharedBodies {
  readonly #budget: BodyBudget;
  readonly #shared = new Map<string, Shared>();

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /**
   * The body that is being made, one made in the last second if its version is still valid, or a new one. Undefined if too
   * many are waiting to be made.
   */
  get(wanted: Wanted): Promise<Body | undefined> {
    const { version, gzip, make } = wanted;
    const key = `${gzip ? "gzip" : "plain"} ${wanted.key}`;
    const known = this.#shared.get(key);
    if (known !== undefined && known.version === version) return known.body;
    const shared = { version, body: this.#budget.render({ ...make(), gzip }) };
    this.#shared.set(key, shared);
    const forget = () => {
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
    };
    shared.body.then((body) => {
      if (body === undefined || version === undefined) return forget();
      this.#budget.hold(body);
      setTimeout(() => {
        forget();
        this.#budget.release(body);
      }, keptMs).unref();
    }, forget);
    return shared.body;
  }
}
