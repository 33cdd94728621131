import { expect } from "vitest";

/**
 * Fails if one of `wanted`, which are all different, has not arrived, or if anything else has; returns those that arrived, each
 * once, in the order of their first arrival, and how many arrived again.
 */
export function arrivalOf(
  arrived: readonly string[],
  wanted: readonly string[],
): { readonly first: readonly string[]; readonly doubles: number } {
  const first = [...new Set(arrived)];
  const known = new Set(wanted);
  const came = new Set(first);
  const missing = wanted.filter((line) => !came.has(line));
  const unknown = first.filter((line) => !known.has(line));
  expect({
    missing: missing.length,
    unknown: unknown.length,
    examples: [...missing, ...unknown].slice(0, 3),
  }).toEqual({ missing: 0, unknown: 0, examples: [] });
  return { first, doubles: arrived.length - first.length };
}
