import { readdir, readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { liveFields } from "../../src/config/changes.js";
import { ownSeries } from "./own-series.js";

let doc: string;

beforeAll(async () => {
  doc = await readFile("docs/operating.md", "utf8");
});

/** The first cells of the rows that start with a name of this form. */
function rows(name: RegExp): string[] {
  const cells = [...doc.matchAll(/^\| ((?:`[^`]+`(?:, )?)+) \|/gm)].flatMap(([, cell]) => cell!.split(", "));
  return cells.map((cell) => cell.replaceAll("`", "")).filter((cell) => name.test(cell));
}

test("docs/operating.md names every field that a reload applies, and no other", () => {
  const [, list] = /^A reload applies: (.+?)\.$/ms.exec(doc)!;
  expect([...list!.matchAll(/`([^`]+)`/g)].map(([, field]) => field).sort()).toEqual([...liveFields].sort());
});

test("docs/operating.md has a row for every alert and no other", async () => {
  const { groups } = parse(await readFile("config/alerts.yml", "utf8"));
  const alerts = groups.flatMap(({ rules }: { rules: { alert: string }[] }) =>
    rules.map(({ alert }) => alert),
  );
  expect(rows(/^Muninn/).sort()).toEqual(alerts.sort());
});

test("docs/operating.md has a row for every metric, with its labels, and no other", async () => {
  const known = [...(await ownSeries())].map(([name, labels]) => {
    const own = [...labels].filter((label) => !["job", "instance", "le"].includes(label));
    return `${name.replace(/_(bucket|sum|count)$/, "")}${own.length > 0 ? `{${own.join()}}` : ""}`;
  });
  expect(rows(/^muninn_/).sort()).toEqual([...new Set(known)].sort());
});

test("docs/operating.md has a row for every health check, and no other", async () => {
  const sources = await readdir("src/health");
  const texts = await Promise.all(sources.map((file) => readFile(`src/health/${file}`, "utf8")));
  const checks = texts.flatMap((text) => [...text.matchAll(/\bname(?::| =) (?:"([a-z-]+)"|`([a-z]+):\$)/g)]);
  const [, table] = /^\| check \| degraded \| failing \|\n\| --- \| --- \| --- \|\n((?:\|.+\n)+)/m.exec(doc)!;
  const documented = [...table!.matchAll(/^\| `([a-z-]+)/gm)].map(([, name]) => name);
  expect(documented.sort()).toEqual(checks.map(([, whole, prefix]) => whole ?? prefix).sort());
});
