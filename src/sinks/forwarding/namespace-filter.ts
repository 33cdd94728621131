/** Whether objects of a dotted namespace are forwarded. */
export type NamespaceFilter = (namespace: string) => boolean;

/**
 * Filters as cardano-tracer does since 0.3.5: the parts of each prefix are joined by dots, and a namespace passes if it
 * begins with one of them *as text* (`ChainDB` also passes `ChainDBX.A`). No prefixes: all pass; an empty list: none.
 */
export function namespaceFilter(prefixes: readonly (readonly string[])[] | undefined): NamespaceFilter {
  if (prefixes === undefined) return () => true;
  const texts = prefixes.map((parts) => parts.join("."));
  if (texts.includes("")) return () => true;
  return (namespace) => texts.some((text) => namespace.startsWith(text));
}
