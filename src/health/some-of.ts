/** Most names in a list: the report stays readable, and no peer can make it long. */
const mostNamed = 5;

/** `a, b, c, d, e and 7 more`. */
export function someOf(names: readonly string[]): string {
  const named = names.slice(0, mostNamed).join(", ");
  return names.length > mostNamed ? `${named} and ${names.length - mostNamed} more` : named;
}
