import { type ConfigDocument, maxDepth } from "./document.js";

/**
 * Parses YAML, which includes JSON. Never throws: whatever is wrong with the text is in `errors`.
 *
 * Valid JSON, as most configurations are, is parsed by `JSON.parse`: loading the YAML parser would take a good part of the
 * daemon's start. It is loaded for everything else, and to find the place of an error.
 */
export async function parseConfigDocument(source: string): Promise<ConfigDocument> {
  const text = source.replace(/^\ufeff/, "");
  const value = plainJson(text);
  if (value === undefined) return parseYaml(text);
  return { value, errors: [], warnings: [], places: async () => (await parseYaml(text)).places() };
}

async function parseYaml(text: string): Promise<ConfigDocument> {
  return (await import("./yaml-document.js")).parseYaml(text);
}

/** The value of JSON that means the same as YAML; `undefined` for any other text. */
function plainJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const outsideStrings = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, "");
  const keysInText = outsideStrings.split(":").length - 1;
  // The value has fewer keys than the text if one is given twice.
  return countKeys(value, maxDepth) === keysInText ? value : undefined;
}

/** The number of keys at all depths; `NaN` if some are deeper than a configuration may be. */
function countKeys(value: unknown, depthLeft: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depthLeft === 0) return Number.NaN;
  const inside: unknown[] = Object.values(value);
  const own = Array.isArray(value) ? 0 : inside.length;
  return inside.reduce((count: number, each) => count + countKeys(each, depthLeft - 1), own);
}
