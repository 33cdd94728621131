import { expect } from "vitest";

/**
 * Fails where one of `wanted`, which all differ, has not arrived, or something has that is none of them; returns those that arrived,
 * each once, in the order they came first, and how many came again.
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
