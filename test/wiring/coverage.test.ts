import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fieldNames } from "../../src/config/field-names.js";

/** The folders that test the effect of a feature's fields, next to the feature. */
const folders: readonly (readonly [prefix: string, ...folders: string[]])[] = [
  ["hasForwarding", "test/sinks/forwarding"],
  ["muninn.forwarding", "test/sinks/forwarding"],
  ["muninn.sinks", "test/sinks/otlp", "test/sinks/nats"],
  // Credentials are read by the same code as the sink's.
  ["muninn.collect", "test/collect", "test/sinks/nats"],
  ["muninn.ui", "test/ui"],
  ["muninn.auth.ui", "test/ui"],
  ["hasTimeseries", "test/wiring"],
  ["muninn.otlp", "test/otlp-in"],
  ["muninn.auth.otlp", "test/otlp-in"],
  ["muninn.selfTrace", "test/inner-nodes"],
  ["", "test/wiring"],
];

/** The names of fields that have no fields inside them. */
function leaves(): string[] {
  const names = fieldNames();
  return names.filter(
    (name) => !names.some((other) => other.startsWith(`${name}.`) || other.startsWith(`${name}[`)),
  );
}

function textsOf(folder: string): string {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".test.ts") && file !== "coverage.test.ts")
    .map((file) => readFileSync(`${folder}/${file}`, "utf8"))
    .join("\n");
}

test.each(leaves())("a test sets %s in a running tracer", (name) => {
  const [, ...places] = folders.find(([prefix]) => name.startsWith(prefix))!;
  const key = name
    .split(".")
    .at(-1)!
    .replace(/(\[\d+\])+$/, "");
  expect(new RegExp(`\\b${key}\\b`).test(places.map(textsOf).join())).toBe(true);
});
