/**
 * Names of the copies of a recorded node: its own name if there is one copy, otherwise `NAME-1`, `NAME-2` …
 * `muninn replay --nodes` plays them, and `muninn verify --copies` looks for them.
 */
export function namesOfCopies(name: string, copies: number): string[] {
  if (copies === 1) return [name];
  return Array.from({ length: copies }, (_, index) => `${name}-${index + 1}`);
}
