const droppedSuffixes = /_(?:int|counter|real)$/;

/** Most names in the cache, because peers choose them; a node sends a few hundred names. */
const maxCachedNames = 50_000;

/**
 * Gives each internal name the name under which it is exposed, as cardano-tracer does: space, `-` and `.` become `_`,
 * everything else outside `[A-Za-z0-9_]` is removed, and with `noSuffix` an ending `_int`, `_counter` or `_real` too. A
 * name that is then empty or begins with a digit, which no parser accepts, gets `_` in front (cardano-tracer leaves it).
 */
export class ExposedNames {
  readonly #noSuffix: boolean;
  readonly #cache = new Map<string, string>();

  constructor(options: { noSuffix: boolean }) {
    this.#noSuffix = options.noSuffix;
  }

  of(internalName: string): string {
    const known = this.#cache.get(internalName);
    if (known !== undefined) return known;
    if (this.#cache.size >= maxCachedNames) this.#cache.clear();
    const name = this.#map(internalName);
    this.#cache.set(internalName, name);
    return name;
  }

  #map(internalName: string): string {
    const mapped = internalName.replace(/[ .-]/g, "_").replace(/[^A-Za-z0-9_]/g, "");
    const name = this.#noSuffix ? mapped.replace(droppedSuffixes, "") : mapped;
    return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
  }
}
