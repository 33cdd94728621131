import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

test("docs/README.md names every page once, and no missing page", async () => {
  const pages = (await readdir("docs")).filter((name) => name.endsWith(".md") && name !== "README.md");
  const index = await readFile("docs/README.md", "utf8");
  const named = [...index.matchAll(/\]\(([^)]+)\)/g)].map(([, page]) => page);
  expect(named.sort()).toEqual(pages.sort());
});

test("every page begins with a title and a sentence on its purpose", async () => {
  for (const page of await readdir("docs")) {
    if (!page.endsWith(".md")) continue;
    const [title, empty, first] = (await readFile(`docs/${page}`, "utf8")).split("\n");
    expect({ page, title, empty }).toEqual({ page, title: expect.stringMatching(/^# \S/), empty: "" });
    expect({ page, first }).toEqual({ page, first: expect.stringMatching(/^[A-Z`].{30}/) });
  }
});

test("links between pages lead to existing files", async () => {
  const { access } = await import("node:fs/promises");
  for (const page of await readdir("docs")) {
    if (!page.endsWith(".md")) continue;
    const text = await readFile(`docs/${page}`, "utf8");
    for (const [, target] of text.matchAll(/\]\(([\w./-]+\.\w+)(?:#[^)]*)?\)/g)) {
      await expect(access(`docs/${target}`), `${page}: ${target}`).resolves.toBeUndefined();
    }
  }
});
