import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

function rowsOf(file: string): string[][] {
  const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  return rows.map((row) => row.split(" | ").map((cell) => cell.replace(/^\| ?| ?\|$/g, "").trim()));
}

/** Field → default, both as written in the tables of fields. */
const defaults = new Map(rowsOf("configuration.md").map((cells) => [cells[0], cells[3]]));

/** Rows of the limits: the symptom, the field, its default. */
const limits = rowsOf("operating.md").filter((cells) => cells.length === 4 && /^`muninn\./.test(cells[1]!));

test("the operations page lists a dozen limits", () => {
  expect(limits.length).toBeGreaterThan(12);
});

test.each(limits.map(([, field, value]) => [field!, value!]))(
  "the documented limit %s has the default %s",
  (field, value) => {
    expect(defaults.get(field)).toBe(value);
  },
);
