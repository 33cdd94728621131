import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/promises.md", "utf8");

/** `## 3. …` and the text after it, for each promise. */
const sections = page.split(/^## /m).slice(1);

/** Every test that the page names. */
const named = [...page.matchAll(/^\* `(test\/[^`]+)`: (.+)$/gm)].map(
  ([, file, title]) => [file!, title!] as const,
);

test("the page has all seven promises, each with code and tests", () => {
  expect(sections.map((section) => Number.parseInt(section, 10))).toEqual([1, 2, 3, 4, 5, 6, 7]);
  for (const section of sections) {
    expect(section).toMatch(/^Code: /m);
    expect(section).toMatch(/^\* `test\//m);
  }
});

test.each(named)("%s has the test: %s", (file, title) => {
  expect(readFileSync(file, "utf8")).toContain(`"${title}"`);
});

test("every source file that the page names exists", () => {
  const files = [...page.matchAll(/`(src\/[^`]+)`/g)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(7);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});
