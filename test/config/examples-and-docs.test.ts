import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { fieldNames } from "../../src/config/field-names.js";
import { loadConfig, parseConfig } from "../../src/config/load.js";
import { configFields } from "../../src/config/schema.js";
import type { Fields } from "../../src/fields/kind.js";
import { mapping } from "../../src/fields/mapping.js";
import { Workplace } from "../end-to-end/daemon.js";
import { rowsOf } from "./configuration-table.js";

/** Every path to a value that is neither a mapping nor a list of mappings, as the documentation writes it. */
function leavesOf(value: unknown, path = ""): [string, unknown][] {
  const isList = Array.isArray(value) && value.some((item) => typeof item === "object");
  if (typeof value !== "object" || value === null || (Array.isArray(value) && !isList))
    return [[path, value]];
  if (Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, item]) =>
    leavesOf(item, isList ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`),
  );
}

/** Names of fields that contain no other fields; `hasForwarding[1]` is a list without names in it. */
const leafFields = (() => {
  const names = fieldNames();
  const leaves = names.filter(
    (name) => !names.some((other) => other.startsWith(`${name}.`) || other.startsWith(`${name}[`)),
  );
  return [...leaves, "hasForwarding[1]"].sort();
})();

const docs = fileURLToPath(new URL("../../docs/configuration.md", import.meta.url));
const { muninn, ...tracerFields } = configFields;

/** The documentation with tables generated from the descriptions of the fields. */
function withTables(text: string): string {
  const table = (rows: readonly string[]) =>
    [
      "| field | takes | what it is | default | at SIGHUP |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");
  const rows = {
    "cardano-tracer": rowsOf(mapping(tracerFields), ""),
    Muninn: rowsOf(muninn.kind, "muninn"),
  };
  return text.replace(
    /(<!-- fields of (cardano-tracer|Muninn): .*-->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin, name: keyof typeof rows, end) => `${begin}\n${table(rows[name])}\n${end}`,
  );
}

const complete = () => readFile("config/complete.yaml", "utf8");

/** A commented-out line: no space after the #, or more than the single one of a sentence. */
const commentedOut = /^( *)#(?=\S| {2})/;

/** The text with one commented-out block, or all of them, uncommented. */
function takenIn(text: string, block?: number): string {
  let last = -1;
  let blocks = -1;
  return text
    .split("\n")
    .map((line, index) => {
      if (!commentedOut.test(line)) return line;
      if (last !== index - 1) blocks += 1;
      last = index;
      return block === undefined || block === blocks ? line.replace(commentedOut, "$1") : line;
    })
    .join("\n");
}

/** The text with its files in another directory, and free ports. */
function movedTo(directory: string, text: string): string {
  return text
    .replace(/\/(run|var\/log|etc)\/muninn/g, `${directory}/$1`)
    .replace(/^( *(?:ep)?[pP]ort: )\d+/gm, "$10");
}

test.each(["minimal", "complete"])("config/%s.yaml is a configuration without a warning", async (name) => {
  const { warnings } = await loadConfig(`config/${name}.yaml`);
  expect(warnings).toEqual([]);
});

test("config/complete.yaml runs unchanged in a directory of its own", async () => {
  await using place = await Workplace.open();
  for (const directory of ["run", "var/log"]) await mkdir(place.path(directory), { recursive: true });
  const daemon = await place.start(parse(movedTo(place.directory, await complete())));
  const doubts = daemon.log.filter(({ level }) => !["info", "notice"].includes(String(level)));
  expect(doubts.filter(({ event }) => event !== "not_served")).toEqual([]);
  expect((await daemon.logged("started")).served).toMatchObject({
    prometheus: expect.any(String),
    ekg: expect.any(String),
    health: expect.any(String),
  });
  expect(await daemon.stop()).toBe(0);
});

test("each block commented out in config/complete.yaml is valid when uncommented", async () => {
  const place = await mkdtemp(join(tmpdir(), "muninn-"));
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  await mkdir(join(place, "etc"));
  const certificates = { cert: "server", key: "server-key", chain: "intermediate" };
  for (const [name, of] of Object.entries(certificates)) {
    await copyFile(`test/http/certificates/${of}.pem`, join(place, "etc", `${name}.pem`));
  }
  const text = movedTo(place, await complete());
  let block = 0;
  for (; takenIn(text, block) !== text; block += 1) {
    const taken = takenIn(text, block);
    // Certificates are read only if they are needed.
    const needed = /^tlsCertificate:/m.test(taken)
      ? taken.replace("epForceSSL: false", "epForceSSL: true")
      : taken;
    const { warnings } = await parseConfig(needed, "f");
    expect(warnings).toEqual([]);
  }
  expect(block).toBeGreaterThan(1);
});

test("config/complete.yaml names every field", async () => {
  const text = takenIn(await complete());
  // A list of sinks has one of each kind.
  const given = leavesOf(parse(text)).map(([name]) => name.replace(/^(muninn\.sinks)\[\d+\]/, "$1[0]"));
  // Each endpoint has one way to authenticate; together the examples show both.
  const general = (names: readonly string[]) => [
    ...new Set(
      names.map((name) =>
        name
          .replace(/^(muninn\.auth)\.\w+/, "$1.*")
          .replace(/^(muninn\.links.*)/, (links) => links.replace(/\[\d+\]/g, "[*]")),
      ),
    ),
  ];
  // Mappings with free keys, such as labels, are shown with keys of their own.
  const isGiven = (name: string) =>
    general(given).some((one) => one === name || one.startsWith(`${name}.`) || one.startsWith(`${name}[`));
  const missing = general(leafFields)
    // The sinks show these.
    .filter((name) => !/^muninn\.collect\.(token|credentialsFile|nkeyFile)$/.test(name))
    .filter((name) => !isGiven(name));
  expect(missing).toEqual([]);
});

test("docs/configuration.md matches the descriptions of the fields", async () => {
  const text = await readFile(docs, "utf8");
  const right = withTables(text);
  if (process.env.UPDATE_DOCS !== undefined) await writeFile(docs, right);
  else expect(text, "npm run docs:configuration").toBe(right);
  const rows = [...right.matchAll(/^\| `([^`]+)`/gm)].map(([, field]) => field!);
  expect([...new Set(rows)].sort()).toEqual(leafFields);
});

test("writing out every default means the same as leaving it out", async () => {
  const written = (fields: Fields): object =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, field]) => field.presence === "defaulting")
        .map(([key, field]) => [
          key,
          field.kind.inside && "fields" in field.kind.inside
            ? written(field.kind.inside.fields)
            : field.default,
        ]),
    );
  const onlyRequired = {
    networkMagic: 1,
    network: { tag: "AcceptAt", contents: "/a" },
    logging: [{ logRoot: "/a", logMode: "FileMode", logFormat: "ForHuman" }],
  };
  const configOf = async (fields: object) => (await parseConfig(JSON.stringify(fields), "f")).config;
  const defaults = written(configFields);
  expect(JSON.stringify(defaults).length).toBeGreaterThan(400);
  expect(await configOf({ ...defaults, ...onlyRequired })).toEqual(await configOf(onlyRequired));
});
