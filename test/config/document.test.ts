import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.js";
import { parseConfigDocument } from "../../src/config/parse-document.js";
import { base, errorsOf, warningsOf } from "./configurations.js";

test.each([
  ["a syntax error", `${base}hasEKG: [1, 2`, /^f:4:\d+: /],
  ["a tab as indentation", `${base}hasEKG:\n\tepPort: 1`, /^f:5:1: Tabs are not allowed as indentation/],
  ["a key given twice", `${base}networkMagic: 2`, /^f:4:1: this key is given twice, first in line 1$/],
  [
    "a key given twice inside",
    `${base}hasEKG: {epPort: 1, epPort: 2}`,
    /^f:4:21: this key is given twice, first in line 4$/,
  ],
  ["a second document", `${base}---\na: 1`, /^f:4:1: a second document; only one is allowed$/],
  ["a key that is not text", `${base}? [a]\n: b`, /^f:4:3: With stringKeys, all keys must be strings$/],
  [
    "an alias of nothing",
    `${base}hasEKG: *nothing`,
    /^f:4:9: an alias \(\*\) without its anchor; write a string that begins with \* in quotes$/,
  ],
  ["an empty file", "", /^f: is empty; must have at least networkMagic, network and logging$/],
  ["a file of comments", "# nothing\n", /^f: is empty/],
  ["a list", "- networkMagic: 1", /^f: is not a mapping of fields/],
  ["a text", "hello", /^f: is not a mapping of fields/],
  ["a deep nest of lists", "[".repeat(200_000), /^f:1:101: nested deeper than 100 levels$/],
  ["a deep nest of blocks", "- ".repeat(200_000), /^f:1:\d+: nested deeper than 100 levels$/],
  [
    "a deep nest of keys",
    Array.from({ length: 500 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join(""),
    /nested deeper than 100 levels$/,
  ],
  ["control characters", "\u0000\u0001", /^f/],
])("%s gives one error with its place", async (_, text, error) => {
  expect(await errorsOf(text)).toEqual([expect.stringMatching(error)]);
});

test.each([
  [
    "a closing bracket",
    "hasForwarding:\n  - {tag: AcceptAt, contents: /up}\n  - [[A],\n    [B]\n]\n  - {}\n",
  ],
  [
    "items, comments and empty lines",
    'hasForwarding:\n  - {tag: AcceptAt, # it\'s "here"\n\ncontents: /up}\n  - [[A],\n# and\n\n [\nB]]\n  - {}\n',
  ],
  [
    "a value below its key",
    'hasForwarding:\n  - {tag: AcceptAt, contents:\n/up}\n  - [[A], ["B"]]\n  - {}\n',
  ],
])(
  "%s inside brackets may be indented less than its surroundings, as for cardano-tracer",
  async (_, text) => {
    const { config } = await parseConfig(`${base}${text}verbosity: Minimum\n`, "f");
    expect(config).toMatchObject({
      forwarding: { network: { address: { path: "/up" } }, prefixes: [["A"], ["B"]] },
      verbosity: "Minimum",
    });
    expect(await errorsOf(`${base}${text}verbosity: Loud\n`)).toEqual([
      expect.stringMatching(new RegExp(`^f:${text.split("\n").length + 3}:12: verbosity: `)),
    ]);
  },
);

test("quoted text that continues on a line with too little indentation is an error", async () => {
  const text = `hasForwarding:\n  - {tag: AcceptAt, contents: "/u\\\np"}\n  - null\n  - {}\n`;
  expect((await errorsOf(base + text))[0]).toMatch(/^f:[56]:\d+: /);
});

test("thousands of lines with too little indentation are one error, found quickly", async () => {
  const lines = "1,\n".repeat(200_000);
  expect((await errorsOf(`${base}prometheusLabels:\n  - [\n${lines}]\n`))[0]).toMatch(/^f:\d+:\d+: /);
});

test("brackets left open before a new document are an error there", async () => {
  expect((await errorsOf(`${base}hasForwarding:\n  - [a\n---\nb: 1\n`))[0]).toMatch(/^f:[56]:\d+: /);
});

test("aliases of aliases that would fill the memory are refused", async () => {
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [index, name] of [..."bcdefghij"].entries()) {
    const before = "abcdefghi"[index];
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(", ")}]`);
  }
  expect(await errorsOf(`${base}${bomb.join("\n")}`)).toEqual([
    expect.stringContaining("Excessive alias count"),
  ]);
});

test("each alias costs a search, so that more than a thousand are refused", async () => {
  const some = (count: number) =>
    `${base}hasEKG: {epHost: x, epPort: 1}\nx: [${Array.from({ length: count }, (_, n) => `&a${n} 1, *a${n}`).join(", ")}]\n`;
  expect(await errorsOf(some(1_000))).toEqual([]);
  expect(await errorsOf(some(1_001))).toEqual([
    expect.stringMatching(/^f:5:\d+: more than 1000 aliases \(\*\)$/),
  ]);
});

test("aliases and merge keys mean what they do to cardano-tracer", async () => {
  const text = `${base}hasEKG: &one {epHost: localhost, epPort: 1}\nhasPrometheus: {<<: *one, epPort: 2}\n`;
  const { config } = await parseConfig(text, "f");
  expect(config.endpoints.prometheus).toEqual({ host: "localhost", port: 2, forceSsl: false });
});

test("an error brought by an alias or a merge key has a place in the file", async () => {
  const text = `${base}hasEKG: &one {epHost: "", epPort: 1}\nhasPrometheus: {<<: *one, epPort: 2}\nhasTimeseries: *one\n`;
  const errors = await errorsOf(text);
  expect(errors).toContainEqual(expect.stringMatching(/^f:4:23: hasEKG\.epHost: /));
  expect(errors).toContainEqual(expect.stringMatching(/^f:5:16: hasPrometheus\.epHost: /));
  expect(errors).toContainEqual(expect.stringMatching(/^f:4:23: hasTimeseries\.epHost: /));
});

test("an unknown tag is a warning", async () => {
  expect(await warningsOf(`${base}verbosity: !loud Minimum`)).toEqual([
    expect.stringMatching(/^f:4:12: a tag \(!\) that means nothing here/),
  ]);
});

test.each([
  ["JSON", (json: string) => json],
  ["JSON with a byte-order mark", (json: string) => `\ufeff${json}`],
  ["JSON with Windows line ends", (json: string) => json.replaceAll("\n", "\r\n")],
  ["JSON indented by tabs", (json: string) => json.replaceAll("  ", "\t")],
])("%s is read, and its errors have places", async (_, written) => {
  const good = {
    networkMagic: 1,
    network: { tag: "ConnectTo", contents: ["a:1", "[::1]:2"] },
    logging: [{ logRoot: "/logs", logMode: "FileMode", logFormat: "ForHuman" }],
  };
  const { config } = await parseConfig(written(JSON.stringify(good, undefined, 2)), "f");
  expect(config.network).toEqual({
    mode: "ConnectTo",
    addresses: [
      { kind: "tcp", host: "a", port: 1 },
      { kind: "tcp", host: "::1", port: 2 },
    ],
  });
  const bad = written(JSON.stringify({ ...good, networkMagic: "x" }, undefined, 2));
  expect(await errorsOf(bad)).toEqual([expect.stringMatching(/^f:2:\d+: networkMagic: is "x"/)]);
});

test("reading a long text leaves the event loop to others", async () => {
  let turns = 0;
  const other = setInterval(() => {
    turns += 1;
  }, 0);
  const text = `${base}${Array.from({ length: 30_000 }, (_, index) => `key${index}: {a: [1, 2]}\n`).join("")}`;
  await parseConfigDocument(text);
  clearInterval(other);
  expect(turns).toBeGreaterThan(1);
});
