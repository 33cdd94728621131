import type { Body } from "./body.js";

/** How long a body is kept for others who want the same, in milliseconds: many scrapers come in the same moment. */
const keptMs = 1_000;

interface Shared {
  readonly version: number | undefined;
  readonly body: Promise<Body>;
}

/** Renders what many ask for at the same time only once, and holds it only once while they read. */
export class SharedBodies {
  readonly #shared = new Map<string, Shared>();

  /**
   * The body that is being rendered under `key`, one rendered in the last second where `version` tells that it is
   * still right, or a new one.
   */
  get(key: string, version: number | undefined, render: () => Promise<Body>): Promise<Body> {
    const known = this.#shared.get(key);
    if (known !== undefined && known.version === version) return known.body;
    const shared = { version, body: render() };
    this.#shared.set(key, shared);
    const forget = () => {
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
    };
    shared.body.then(() => (version === undefined ? forget() : setTimeout(forget, keptMs).unref()), forget);
    return shared.body;
  }
}
