/** The fields of a machine-readable line that say where it is from, as they are in the line. */
export interface LineFields {
  readonly at?: unknown;
  readonly ns?: unknown;
  readonly sev?: unknown;
  readonly host?: unknown;
  readonly thread?: unknown;
}

/** A time in seconds since 1970, UTC, and the rest of it in picoseconds. */
export interface LineTime {
  readonly seconds: number;
  readonly picoseconds: number;
}

/** Reads a line; anything that is not a JSON object has no fields. */
export function lineFields(text: string): LineFields {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** `2026-02-16T09:30:01.1234567Z`, or with a space; older nodes wrote ` UTC` at the end. */
const timeForm = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z| UTC)$/;

/** The time in `at`, or at the beginning of a line for people; undefined for anything else. */
export function lineTime(at: unknown): LineTime | undefined {
  if (typeof at !== "string") return undefined;
  const [, date, time, fraction = ""] = timeForm.exec(at) ?? [];
  const milliseconds = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(milliseconds)) return undefined;
  return { seconds: milliseconds / 1_000, picoseconds: Number(fraction.slice(0, 12).padEnd(12, "0")) };
}

/** The names in `ns`: today's nodes write one text with dots, older ones a list of segments. */
export function lineNamespace(ns: unknown): readonly string[] {
  if (Array.isArray(ns)) return ns.map(lineText);
  return typeof ns === "string" ? [ns] : [];
}

/** A field that should be a text; empty if it is not. */
export function lineText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
