import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { dropReasons } from "../../src/sinks/drop-reasons.js";

test("docs/operating.md explains every reason to drop an object, in the words of the code", () => {
  const rows = [...readFileSync("docs/operating.md", "utf8").matchAll(/^\| `([a-z-]+)` \| (.+\.) \|$/gm)];
  const told = Object.fromEntries(rows.map(([, reason, sentence]) => [reason, sentence]));
  expect(told).toEqual(dropReasons);
});
