import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fieldNames } from "../../src/config/field-names.js";

/** Fields whose effect is tested elsewhere: the file that does it. */
const elsewhere: Readonly<Record<string, string>> = {
  hasForwarding: "test/sinks/forwarding",
  hasTimeseries: "test/timeseries",
};

/** The names of fields that have no fields inside them. */
function leaves(): string[] {
  const names = fieldNames();
  return names.filter(
    (name) => !names.some((other) => other.startsWith(`${name}.`) || other.startsWith(`${name}[`)),
  );
}

const folder = "test/wiring";
const texts = readdirSync(folder)
  .filter((file) => file.endsWith(".test.ts") && file !== "coverage.test.ts")
  .map((file) => readFileSync(`${folder}/${file}`, "utf8"))
  .join("\n");

test.each(leaves())("a test of wiring sets %s", (name) => {
  const top = name.split(/[.[]/)[0]!;
  if (top in elsewhere) return;
  const key = name
    .split(".")
    .at(-1)!
    .replace(/\[\d+\]$/, "");
  expect(texts).toMatch(new RegExp(`\\b${key}\\b`));
});
