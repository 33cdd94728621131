/** How a log file may be compressed once it is rotated: the endings of such files' names. */
const compressedEndings = [".gz", ".zst"] as const;
export type CompressedEnding = (typeof compressedEndings)[number];

/** The ending that says how a file is compressed; undefined for a plain one. */
export function compressedEnding(name: string): CompressedEnding | undefined {
  return compressedEndings.find((ending) => name.endsWith(ending));
}

/** The name a file had before it was compressed. */
export function plainName(name: string): string {
  const ending = compressedEnding(name);
  return ending === undefined ? name : name.slice(0, -ending.length);
}
