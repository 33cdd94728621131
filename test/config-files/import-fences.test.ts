import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join("src", name));

const folders = [...new Set(sources.map((file) => dirname(file)))].filter((folder) => folder !== "src");

/** The folder of a file; each file directly in `src` counts as a folder of its own. */
const folderOf = (file: string) => (dirname(file) === "src" ? file : dirname(file));

/** What the files of each folder import, by folder. */
function importsByFolder(): ReadonlyMap<string, ReadonlySet<string>> {
  const imports = new Map<string, Set<string>>();
  for (const file of sources) {
    const from = folderOf(file);
    const found = imports.get(from) ?? new Set();
    imports.set(from, found);
    for (const [, path] of readFileSync(file, "utf8").matchAll(
      /(?:from |import |import\()"(\.[^"]+)\.js"/g,
    )) {
      found.add(folderOf(relative(".", resolve(dirname(file), `${path}.ts`))));
    }
  }
  return imports;
}

/** A folder and the folders inside it are one part: a table of kinds names each kind, and each kind knows the contract beside the table. */
const areOnePart = (one: string, other: string) => dirname(one) === other || dirname(other) === one;

test("no folder imports back up: the folders of src can be sorted so that each imports earlier ones only", () => {
  const left = new Map(
    [...importsByFolder()].map(([folder, imports]) => [
      folder,
      [...imports].filter((other) => other !== folder && !areOnePart(folder, other)),
    ]),
  );
  for (let before = -1; left.size !== before; ) {
    before = left.size;
    for (const [folder, imports] of [...left])
      if (imports.every((other) => !left.has(other))) left.delete(folder);
  }
  expect([...left.keys()]).toEqual([]);
});

test("the map in docs/architecture.md names every folder of src, and no other", () => {
  const rows = [...readFileSync("docs/architecture.md", "utf8").matchAll(/^\| (`src\/.+?) \|/gm)];
  const named = rows.flatMap(([, cell]) =>
    [...cell!.matchAll(/`(src\/[\w-]+)`/g)].map(([, folder]) => folder!),
  );
  const folders = readdirSync("src", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(named.sort()).toEqual(folders.map(({ name }) => `src/${name}`).sort());
});

test("every folder of src has an import fence: an import of the program's first file is refused everywhere", {
  timeout: 60_000,
}, () => {
  const place = mkdtempSync(join(tmpdir(), "fences-"));
  try {
    cpSync("biome.json", join(place, "biome.json"));
    const planted = [
      ...folders.map((folder) => join(folder, "planted.ts")),
      join("src", "tracer-planted.ts"),
    ];
    for (const file of planted) {
      mkdirSync(join(place, dirname(file)), { recursive: true });
      const path = relative(dirname(file), join("src", "main.js"));
      writeFileSync(join(place, file), `import "${path.startsWith(".") ? path : `./${path}`}";\n`);
    }
    expect(refusedBelow(place)).toEqual(planted.sort());
  } finally {
    rmSync(place, { recursive: true });
  }
});

/** The files with an import that Biome refuses, by their paths from `place`. */
function refusedBelow(place: string): string[] {
  const args = [
    "lint",
    "--only=style/noRestrictedImports",
    "--vcs-enabled=false",
    "--max-diagnostics=1000",
    "src",
  ];
  const { stdout, stderr } = spawnSync(resolve("node_modules/.bin/biome"), args, {
    cwd: place,
    encoding: "utf8",
  });
  const found = `${stdout}${stderr}`.matchAll(/^(src\/\S+\.ts):\d+:\d+ lint\/style\/noRestrictedImports/gm);
  return [...new Set([...found].map(([, file]) => file!))].sort();
}
