import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lineKey } from "../../src/verification/line-key.js";
import { sentLines } from "../../src/verification/log-lines.js";
import type { NodeVerdict } from "../../src/verification/verdict.js";
import { verify } from "../../src/verification/verify.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "muninn-verify-test-"));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const texts = Array.from({ length: 12 }, (_, index) =>
  JSON.stringify({ at: "2026", data: { n: index + 1 } }),
);

/** What was sent: a file of lines. */
async function sent(node: string, lines: readonly string[]) {
  const file = join(root, `${node}.sent`);
  await writeFile(file, lines.map((line) => `${line}\n`).join(""));
  return { node, sent: sentLines([file]), keyOf: lineKey, firstNumber: 1 };
}

/** Log files of a node, a second apart, with the given texts. */
async function logs(node: string, ...files: string[]) {
  const directory = join(root, "logs", node);
  await mkdir(directory, { recursive: true });
  const names = files.map((_, second) => `node-2026-02-16T09-30-${String(second).padStart(2, "0")}.json`);
  for (const [at, text] of files.entries()) await writeFile(join(directory, names[at]!), text);
  if (names.length > 0) await symlink(names.at(-1)!, join(directory, "node.json"));
}

const whole = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");
/** As cardano-tracer writes: a line feed before each batch. */
const original = (lines: readonly string[]) => `\n${lines.join("\n")}`;

async function only(): Promise<NodeVerdict> {
  const { nodes } = await verify({ sent: [await sent("n", texts)], logs: [join(root, "logs")] });
  expect(nodes).toHaveLength(1);
  return nodes[0]!;
}

function counts({ lost, doubled, disordered, torn, foreign }: NodeVerdict) {
  return { lost, doubled, disordered, torn, foreign };
}

const well = { lost: 0, doubled: 0, disordered: 0, torn: 0, foreign: 0 };

test.each([
  { what: "one file of Muninn", files: [whole(texts)] },
  {
    what: "files of Muninn",
    files: [whole(texts.slice(0, 5)), whole(texts.slice(5, 6)), whole(texts.slice(6))],
  },
  { what: "an empty file among others", files: [whole(texts.slice(0, 5)), "", whole(texts.slice(5))] },
  { what: "files of cardano-tracer", files: [original(texts.slice(0, 5)), original(texts.slice(5))] },
  {
    what: "a file of cardano-tracer that Muninn went on with",
    files: [`${original(texts.slice(0, 5))}\n${whole(texts.slice(5))}`],
  },
])("$what that hold everything pass", async ({ files }) => {
  await logs("n", ...files);
  expect(counts(await only())).toEqual(well);
});

const torn = texts[4]!.slice(0, 9);

test.each([
  {
    what: "a loss at the start of a file",
    files: [whole(texts.slice(0, 5)), whole(texts.slice(6))],
    found: { lost: 1 },
    place: { defect: "lost", file: 1, line: 1 },
  },
  {
    what: "a loss at the end of the last file",
    files: [whole(texts.slice(0, 5)), whole(texts.slice(5, 10))],
    found: { lost: 2 },
    place: { defect: "lost", file: 1, line: 6 },
  },
  {
    what: "a line doubled across the border of two files",
    files: [whole(texts.slice(0, 5)), whole(texts.slice(4))],
    found: { doubled: 1 },
    place: { defect: "doubled", file: 1, line: 1 },
  },
  {
    what: "lines swapped across the border of two files",
    files: [whole([...texts.slice(0, 4), texts[5]!]), whole([texts[4]!, ...texts.slice(6)])],
    found: { disordered: 1 },
    place: { defect: "disordered", file: 1, line: 1 },
  },
  {
    what: "a line torn at the end of a file, written again in the next",
    files: [whole(texts.slice(0, 4)) + torn, whole(texts.slice(4))],
    found: { torn: 1 },
    place: { defect: "torn", file: 0, line: 5 },
  },
  {
    what: "a torn line closed with a line feed and never written again",
    files: [`${whole(texts.slice(0, 4))}${torn}\n${whole(texts.slice(5))}`],
    found: { torn: 1, lost: 1 },
    place: { defect: "torn", file: 0, line: 5 },
  },
  {
    what: "a line whose two parts lie in two files",
    files: [whole(texts.slice(0, 4)) + torn, `${texts[4]!.slice(9)}\n${whole(texts.slice(5))}`],
    found: { torn: 2, lost: 1 },
    place: { defect: "torn", file: 1, line: 1 },
  },
  {
    what: "two lines run together",
    files: [whole(texts.slice(0, 4)) + texts[4]! + whole(texts.slice(5))],
    found: { torn: 1, lost: 2 },
    place: { defect: "torn", file: 0, line: 5 },
  },
  {
    what: "a line of somebody else",
    files: [`${whole(texts.slice(0, 4))}{"other":1}\n${whole(texts.slice(4))}`],
    found: { foreign: 1 },
    place: { defect: "foreign", file: 0, line: 5 },
  },
  {
    what: "an empty line in the middle",
    files: [`${whole(texts.slice(0, 4))}\n${whole(texts.slice(4))}`],
    found: { foreign: 1 },
    place: { defect: "foreign", file: 0, line: 5 },
  },
  {
    what: "a line changed by one character into a copy of the next",
    files: [whole(texts).replace('"n":5', '"n":6')],
    found: { doubled: 1, lost: 1 },
    place: { defect: "doubled", file: 0, line: 6 },
  },
])("$what is found with its place", async ({ files, found, place }) => {
  await logs("n", ...files);
  const verdict = await only();
  expect(counts(verdict)).toEqual({ ...well, ...found });
  const file = join(root, "logs", "n", `node-2026-02-16T09-30-0${place.file}.json`);
  expect(verdict.places).toContainEqual(expect.objectContaining({ ...place, file }));
});

test("a node without logs has lost everything, and a log without a sender is foreign", async () => {
  await logs("other", whole(texts.slice(0, 3)));
  const verdict = await verify({ sent: [await sent("n", texts)], logs: [join(root, "logs")] });
  expect(verdict.ok).toBe(false);
  expect(verdict.nodes.map((node) => [node.node, counts(node)])).toEqual([
    ["other", { ...well, foreign: 3 }],
    ["n", { ...well, lost: 12 }],
  ]);
});

test("every logRoot must hold everything", async () => {
  await logs("n", whole(texts));
  const empty = join(root, "empty");
  await mkdir(empty);
  const { ok, nodes } = await verify({ sent: [await sent("n", texts)], logs: [join(root, "logs"), empty] });
  expect(ok).toBe(false);
  expect(nodes.map(({ logs, lost }) => [logs, lost])).toEqual([
    [join(root, "logs"), 0],
    [empty, 12],
  ]);
});

test("a node's own directory can be given instead of its logRoot", async () => {
  await logs("n", whole(texts));
  const verdict = await verify({ sent: [await sent("n", texts)], logs: [join(root, "logs", "n")] });
  expect(verdict.ok).toBe(true);
});

test("only the nodes asked for are checked", async () => {
  await logs("n", whole(texts));
  await logs("other", whole(texts));
  const options = { sent: [await sent("n", texts)], logs: [join(root, "logs")] };
  expect((await verify(options)).ok).toBe(false);
  expect((await verify({ ...options, only: new Set(["n"]) })).ok).toBe(true);
});

test("progress ends at the total number of bytes", async () => {
  await logs("a", whole(texts), whole(texts));
  await logs("b", whole(texts));
  const seen: [number, number][] = [];
  const progress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) => {
    seen.push([bytes, totalBytes]);
  };
  await verify({ sent: [], logs: [join(root, "logs")], progress });
  const total = whole(texts).length * 3;
  expect(seen.at(-1)).toEqual([total, total]);
});
