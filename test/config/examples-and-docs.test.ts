import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { formatConfig } from "../../src/config/format.js";
import { loadConfig, parseConfig } from "../../src/config/load.js";
import { fieldNames } from "../../src/config/unknown-fields.js";

/** Every path to a value that is no mapping and no list of them, as the documentation writes it. */
function leavesOf(value: unknown, path = ""): [string, unknown][] {
  const isList = Array.isArray(value) && value.some((item) => typeof item === "object");
  if (typeof value !== "object" || value === null || (Array.isArray(value) && !isList))
    return [[path, value]];
  if (Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, item]) =>
    leavesOf(item, isList ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`),
  );
}

/** Names of fields that hold no other fields; `hasForwarding[1]` is a list without names in it. */
const leafFields = (() => {
  const names = fieldNames();
  const leaves = names.filter(
    (name) => !names.some((other) => other.startsWith(`${name}.`) || other.startsWith(`${name}[`)),
  );
  return [...leaves, "hasForwarding[1]"].sort();
})();

async function documented(): Promise<Map<string, string>> {
  const text = await readFile(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  const rows = text.matchAll(/^\| `([^`]+)` \|.*\| (?:`([^`]*)`|(required|none)) \|$/gm);
  return new Map([...rows].map(([, field, value, word]) => [field!, value ?? word!]));
}

test.each(["minimal", "complete"])("config/%s.yaml is a configuration without a warning", async (name) => {
  const { warnings } = await loadConfig(`config/${name}.yaml`);
  expect(warnings).toEqual([]);
});

test("config/complete.yaml names every field there is", async () => {
  const text = await readFile("config/complete.yaml", "utf8");
  const given = leavesOf(parse(text)).map(([name]) => name);
  // Each endpoint has one way to authenticate; between them the example shows both.
  const general = (names: readonly string[]) => [
    ...new Set(names.map((name) => name.replace(/^(muninn\.auth)\.\w+/, "$1.*"))),
  ];
  const missing = general(leafFields)
    .filter((name) => !["metricsHelp", "prometheusLabels", "hasForwarding[1]"].includes(name))
    .filter((name) => !general(given).includes(name));
  expect(missing).toEqual([]);
});

test("docs/configuration.md has a row for every field and for no other", async () => {
  expect([...(await documented()).keys()].sort()).toEqual(leafFields);
});

test("docs/configuration.md tells every default as it is", async () => {
  const endpoint = { epHost: "a", epPort: 0 };
  const network = { tag: "AcceptAt", contents: "/a" };
  const onlyRequired = {
    networkMagic: 1,
    network,
    hasPrometheus: endpoint,
    hasEKG: endpoint,
    hasTimeseries: endpoint,
    tlsCertificate: { certificateFile: "a", certificateKeyFile: "b" },
    hasForwarding: [network, null, {}],
    logging: [{ logRoot: "/a", logMode: "FileMode", logFormat: "ForHuman" }],
    rotation: { rpLogLimitBytes: 1, rpKeepFilesNum: 1 },
  };
  const { config } = await parseConfig(JSON.stringify(onlyRequired), "f");
  const effective = new Map(leavesOf(parse(formatConfig(config))));
  const defaults = [...(await documented())].filter(([, value]) => value !== "required" && value !== "none");
  expect(defaults.length).toBeGreaterThan(20);
  for (const [field, value] of defaults) {
    const actual = effective.get(field);
    expect(`${field}: ${typeof actual === "object" ? JSON.stringify(actual) : actual}`).toBe(
      `${field}: ${value}`,
    );
  }
});
