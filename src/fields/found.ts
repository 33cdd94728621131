/** What was found, short enough for a message. */
export function found(input: unknown): string {
  if (typeof input === "number") return `is the number ${input}`;
  if (typeof input !== "string" && typeof input !== "boolean") return foundForm(input);
  const shown = typeof input === "string" ? JSON.stringify(input) : String(input);
  return `is ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}`;
}

/** The type of what was found, without its content, which may be a secret. */
function foundForm(input: unknown): string {
  if (input === undefined) return "is missing";
  if (input === null) return "is empty";
  if (Array.isArray(input)) return input.length === 0 ? "is an empty list" : "is a list";
  return typeof input === "object"
    ? "is a mapping"
    : `is a ${typeof input === "string" ? "string" : typeof input}`;
}

/**
 * An error message for a value that a kind does not accept; `allowed` begins with a verb: "be true or false". It shows what
 * was found, unless that may be a secret.
 */
export function must(allowed: string, { isSecret = false } = {}) {
  const what = isSecret ? foundForm : found;
  return ({ input }: { readonly input?: unknown }) => `${what(input)}; must ${allowed}`;
}

/** `a`, `a or b`, `a, b or c` */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
