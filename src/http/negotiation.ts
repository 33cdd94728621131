/** One entry of an `Accept` or `Accept-Encoding` header. */
interface Preference {
  readonly name: string;
  /** 0 (never) to 1. */
  readonly quality: number;
}

/** Of a header: browsers and scrapers send some 250 characters and up to 8 entries; reading 16 KiB of commas takes milliseconds. */
const mostCharacters = 1_024;
const mostEntries = 32;

/** `a;q=0.5, b` as a list; entries without a name are left out, a quality that is not a number counts as 1 (RFC 9110, 12.4.2). */
function preferences(header: string): Preference[] {
  const entries = header.slice(0, mostCharacters).split(",", mostEntries);
  return entries.flatMap((entry) => {
    const [name = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    if (name === "") return [];
    const written = parameters.find((parameter) => /^q\s*=/.test(parameter));
    const quality = Number(written?.slice(written.indexOf("=") + 1).trim() || 1);
    return [{ name, quality: Number.isNaN(quality) ? 1 : Math.min(Math.max(quality, 0), 1) }];
  });
}

/** The media types that a client accepts, from its `Accept` header. An absent or empty header states no preference. */
export class Accept {
  readonly #ranges: readonly Preference[];

  constructor(header: string | undefined) {
    this.#ranges = preferences(header ?? "").filter(({ name }) => /^[^\s/]+\/[^\s/]+$/.test(name));
  }

  /** Whether the header states a preference. */
  get says(): boolean {
    return this.#ranges.length > 0;
  }

  /** The quality of `type` by its own name, ignoring parameters: 0 to 1; undefined if it is not named. */
  named(type: string): number | undefined {
    return best(this.#ranges.filter(({ name }) => name === type));
  }

  /** The quality of `type`, by its name or otherwise by a wildcard: 0 to 1. */
  quality(type: string): number {
    if (!this.says) return 1;
    const group = `${type.slice(0, type.indexOf("/"))}/*`;
    const among = (range: string) => best(this.#ranges.filter(({ name }) => name === range));
    return this.named(type) ?? among(group) ?? among("*/*") ?? 0;
  }

  /** Whether `type` is named with at least the quality of `other`, or there is no preference. */
  prefers(type: string, other: string): boolean {
    if (!this.says) return true;
    const wanted = this.named(type) ?? 0;
    return wanted > 0 && wanted >= this.quality(other);
  }
}

/** Whether an `Accept-Encoding` header accepts gzip and does not prefer plain bytes. */
export function acceptsGzip(header: string | undefined): boolean {
  const codings = preferences(header ?? "");
  const of = (...names: string[]) => best(codings.filter(({ name }) => names.includes(name)));
  const gzip = of("gzip", "x-gzip") ?? of("*") ?? 0;
  return gzip > 0 && gzip >= (of("identity") ?? 0);
}

function best(found: readonly Preference[]): number | undefined {
  return found.length === 0 ? undefined : Math.max(...found.map(({ quality }) => quality));
}
