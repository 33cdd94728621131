/** A node's text as a sample of an exposition in either format. */
export interface Sample {
  readonly kind: "gauge" | "info";
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** A number as both formats write it. */
  readonly value: string;
}

/**
 * A text that begins with `{` contains labels (`{k="v",…} 1`), a text that is a number is a gauge; any other text, also one
 * whose labels do not parse, becomes the label `value` of a sample of 1.
 */
export function sampleOf(given: string): Sample {
  const text = given.trim();
  const number = numberOf(text);
  if (number !== undefined) return { kind: "gauge", labels: [], value: number };
  return labelledSample(text) ?? { kind: "info", labels: [["value", given]], value: "1" };
}

const finiteNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const otherNumbers: ReadonlyMap<string, string> = new Map([
  ["NaN", "NaN"],
  ["Inf", "+Inf"],
  ["+Inf", "+Inf"],
  ["-Inf", "-Inf"],
  ["Infinity", "+Inf"],
  ["-Infinity", "-Inf"],
]);

/** The text as a number of the exposition formats; digits are kept, except beyond the range of a double, which no parser accepts. */
function numberOf(text: string): string | undefined {
  if (!finiteNumber.test(text)) return otherNumbers.get(text);
  const value = Number(text);
  if (Number.isFinite(value)) return text;
  return value > 0 ? "+Inf" : "-Inf";
}

/**
 * `{` label (`,` label)* [`,`] `}` [number], label = name `="` text `"`, where the text has `\`, `"` and line feeds
 * escaped. Undefined for anything else, for a name twice, and for names beginning with `__`, which are Prometheus' own.
 */
function labelledSample(text: string): Sample | undefined {
  if (!text.startsWith("{")) return undefined;
  const labels = new Map<string, string>();
  const head = /\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"/y;
  const separator = /\s*(?:,|(?=\}))/y;
  let at = 1;
  for (;;) {
    head.lastIndex = at;
    const name = head.exec(text)?.[1];
    if (name === undefined) break;
    const quote = closingQuote(text, head.lastIndex);
    if (quote === undefined || labels.has(name) || name.startsWith("__")) return undefined;
    labels.set(name, unescaped(text.slice(head.lastIndex, quote)));
    separator.lastIndex = quote + 1;
    if (!separator.test(text)) return undefined;
    at = separator.lastIndex;
  }
  const end = /\s*\}\s*(\S*)$/y;
  end.lastIndex = at;
  const rest = end.exec(text)?.[1];
  if (rest === undefined) return undefined;
  const value = rest === "" ? "1" : numberOf(rest);
  if (value === undefined) return undefined;
  // The value of an info is 1 by definition; with another number this is a gauge that has labels.
  return { kind: Number(value) === 1 ? "info" : "gauge", labels: [...labels], value };
}

/** Where the label value that begins at `at` ends; a loop, because a pattern would overflow its stack on megabytes of text. */
function closingQuote(text: string, at: number): number | undefined {
  for (let i = at; i < text.length; i += 1) {
    if (text[i] === '"') return i;
    if (text[i] !== "\\") continue;
    i += 1;
    if (!["\\", '"', "n"].includes(text[i] ?? "")) return undefined;
  }
  return undefined;
}

/** Every backslash begins a pair here, so the text is first split at double backslashes; the others are then unambiguous. */
function unescaped(text: string): string {
  return text
    .split("\\\\")
    .map((part) => part.replaceAll("\\n", "\n").replaceAll('\\"', '"'))
    .join("\\");
}
