import fc from "fast-check";
import { expect, test } from "vitest";
import type { Findings } from "../../src/verification/findings.js";
import { OrderComparison } from "../../src/verification/order-comparison.js";
import type { SentKeys } from "../../src/verification/sent-window.js";

/** Reads keys in chunks of a given size, as from a file. */
function keysOf(keys: readonly number[], chunk = 7): SentKeys {
  return {
    async *keysFrom(index) {
      for (let at = index; at < keys.length; at += chunk) yield Float64Array.from(keys.slice(at, at + chunk));
    },
  };
}

/** Negative keys are foreign lines, NaN a torn one. */
async function compare(
  sent: readonly number[],
  found: readonly number[],
  options: { window?: number; chunk?: number } = {},
): Promise<Findings> {
  const { window = 1_000, chunk } = options;
  const comparison = new OrderComparison(keysOf(sent, chunk), { window, maxPlaces: 3, firstNumber: 1 });
  for (const [at, key] of found.entries()) {
    if (comparison.takeExpected(key)) continue;
    const otherwise = () => (Number.isNaN(key) ? ("torn" as const) : ("foreign" as const));
    await comparison.take({ key, file: "log", line: at + 1, otherwise }, found[at + 1]);
  }
  return await comparison.end({ file: "log", line: found.length + 1 });
}

function counts({ lost, doubled, disordered, torn, foreign }: Findings) {
  return { lost, doubled, disordered, torn, foreign };
}

const well = { lost: 0, doubled: 0, disordered: 0, torn: 0, foreign: 0 };
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test.each<{ what: string; sent: number[]; found: number[]; expected: Partial<typeof well> }>([
  { what: "nothing sent and nothing found", sent: [], found: [], expected: {} },
  { what: "all found in order", sent: [1, 2, 3], found: [1, 2, 3], expected: {} },
  { what: "the first lost", sent: [1, 2, 3], found: [2, 3], expected: { lost: 1 } },
  { what: "one in the middle lost", sent: [1, 2, 3], found: [1, 3], expected: { lost: 1 } },
  { what: "the last lost", sent: [1, 2, 3], found: [1, 2], expected: { lost: 1 } },
  { what: "everything lost", sent: [1, 2, 3], found: [], expected: { lost: 3 } },
  { what: "the first doubled", sent: [1, 2, 3], found: [1, 1, 2, 3], expected: { doubled: 1 } },
  { what: "one doubled later", sent: [1, 2, 3], found: [1, 2, 3, 1], expected: { doubled: 1 } },
  { what: "one there three times", sent: [1, 2, 3], found: [1, 2, 2, 2, 3], expected: { doubled: 2 } },
  { what: "a run doubled", sent: [1, 2, 3, 4], found: [1, 2, 3, 1, 2, 3, 4], expected: { doubled: 3 } },
  { what: "neighbours swapped", sent: [1, 2, 3, 4], found: [1, 3, 2, 4], expected: { disordered: 1 } },
  { what: "the first two swapped", sent: [1, 2, 3], found: [2, 1, 3], expected: { disordered: 1 } },
  { what: "the last two swapped", sent: [1, 2, 3], found: [1, 3, 2], expected: { disordered: 1 } },
  {
    what: "two far ones swapped",
    sent: [1, 2, 3, 4, 5, 6],
    found: [1, 5, 3, 4, 2, 6],
    expected: { disordered: 2 },
  },
  {
    what: "the last moved to the front",
    sent: [1, 2, 3, 4],
    found: [4, 1, 2, 3],
    expected: { disordered: 1 },
  },
  {
    what: "two halves exchanged",
    sent: [1, 2, 3, 4, 5],
    found: [4, 5, 1, 2, 3],
    expected: { disordered: 2 },
  },
  { what: "a foreign line", sent: [1, 2], found: [1, -9, 2], expected: { foreign: 1 } },
  {
    what: "a torn line instead of one",
    sent: [1, 2],
    found: [1, Number.NaN],
    expected: { torn: 1, lost: 1 },
  },
  {
    what: "a foreign line at either end",
    sent: [1, 2],
    found: [-9, 1, 2, -8],
    expected: { foreign: 2 },
  },
  {
    what: "a text that is sent often, doubled",
    sent: [1, 2, 1, 3, 1, 4],
    found: [1, 2, 1, 1, 3, 1, 4],
    expected: { doubled: 1 },
  },
  {
    what: "a text that is sent often, lost",
    sent: [1, 2, 1, 3, 1, 4],
    found: [1, 2, 1, 3, 4],
    expected: { lost: 1 },
  },
  { what: "one text only, one lost", sent: [7, 7, 7, 7], found: [7, 7, 7], expected: { lost: 1 } },
  { what: "one text only, one doubled", sent: [7, 7, 7], found: [7, 7, 7, 7], expected: { doubled: 1 } },
])("the counts are right for $what", async ({ sent, found, expected }) => {
  const findings = await compare(sent, found);
  expect(counts(findings)).toEqual({ ...well, ...expected });
  expect(findings.sent).toBe(sent.length);
  expect(findings.found).toBe(found.length);
});

test("places name the faulty lines", async () => {
  const found = [1, 4, 4, -1, 6, 5, 7, Number.NaN];
  const { places } = await compare(upTo(9), found);
  const inOrder = places.toSorted((a, b) => a.line - b.line);
  expect(inOrder).toEqual([
    { defect: "lost", file: "log", line: 2, sent: { first: 2, count: 2 } },
    { defect: "doubled", file: "log", line: 3 },
    { defect: "foreign", file: "log", line: 4 },
    { defect: "disordered", file: "log", line: 6 },
    { defect: "torn", file: "log", line: 8 },
    { defect: "lost", file: "log", line: 9, sent: { first: 8, count: 2 } },
  ]);
});

test("a gap far wider than the window is a loss, and the lines after it are in order", async () => {
  const sent = upTo(5_000);
  const found = [...sent.slice(0, 100), ...sent.slice(4_000)];
  expect(counts(await compare(sent, found, { window: 50 }))).toEqual({ ...well, lost: 3_900 });
});

test("a wide gap is found even if only a few lines follow it", async () => {
  const sent = upTo(5_000);
  const found = [...sent.slice(0, 100), ...sent.slice(4_990)];
  expect(counts(await compare(sent, found, { window: 50 }))).toEqual({ ...well, lost: 4_890 });
});

test("several wide gaps with foreign lines between them are counted exactly", async () => {
  const sent = upTo(9_000);
  const foreign = Array.from({ length: 200 }, (_, index) => -index - 1);
  const found = [...sent.slice(0, 100), ...foreign, ...sent.slice(3_000, 3_200), ...sent.slice(8_000)];
  expect(counts(await compare(sent, found, { window: 50 }))).toEqual({
    ...well,
    lost: 2_900 + 4_800,
    foreign: 200,
  });
});

test("a log of only foreign lines loses everything", async () => {
  const foreign = Array.from({ length: 3_000 }, (_, index) => -index - 1);
  expect(counts(await compare(upTo(2_000), foreign, { window: 50 }))).toEqual({
    ...well,
    lost: 2_000,
    foreign: 3_000,
  });
});

/** Lines that must be moved: those outside the longest increasing subsequence, by plain quadratic search. */
function mustMove(found: readonly number[]): number {
  const longest = found.map(() => 1);
  for (let at = 0; at < found.length; at += 1)
    for (let before = 0; before < at; before += 1)
      if (found[before]! < found[at]!) longest[at] = Math.max(longest[at]!, longest[before]! + 1);
  return found.length - Math.max(0, ...longest);
}

const plants = fc.array(
  fc.record({
    kind: fc.constantFrom("lose", "double", "swap", "tear", "foreign"),
    at: fc.nat(),
    to: fc.nat(),
  }),
  { maxLength: 12 },
);

test("random losses, doubles, swaps, torn and foreign lines are all found, with the right counts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 150 }),
      plants,
      fc.integer({ min: 1, max: 20 }),
      async (size, planted, chunk) => {
        const sent = upTo(size);
        const lines = [...sent];
        for (const { kind, at, to } of planted) {
          const here = at % (lines.length + 1);
          const there = to % (lines.length + 1);
          if (kind === "foreign") lines.splice(here, 0, -1 - lines.length);
          else if (here === lines.length) continue;
          else if (kind === "lose") lines.splice(here, 1);
          else if (kind === "tear") lines[here] = Number.NaN;
          else if (kind === "double" && lines[here]! > 0)
            lines.splice(Math.max(here, there), 0, lines[here]!);
          else if (kind === "swap" && there < lines.length)
            [lines[here], lines[there]] = [lines[there]!, lines[here]!];
        }
        const known = lines.filter((key) => key > 0);
        const once = [...new Set(known)];
        expect(counts(await compare(sent, lines, { chunk }))).toEqual({
          lost: size - once.length,
          doubled: known.length - once.length,
          disordered: mustMove(once),
          torn: lines.filter(Number.isNaN).length,
          foreign: lines.filter((key) => key < 0).length,
        });
      },
    ),
    { numRuns: 300 },
  );
});

test("if texts repeat, the log passes only if it is exactly what was sent", async () => {
  const text = fc.integer({ min: 1, max: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { maxLength: 30 }),
      fc.array(text, { maxLength: 30 }),
      async (sent, found) => {
        const findings = await compare(sent, found, { window: 10 });
        const isRight = JSON.stringify(counts(findings)) === JSON.stringify(well);
        expect(isRight).toBe(JSON.stringify(sent) === JSON.stringify(found));
        expect(findings.sent).toBe(sent.length);
        expect(findings.found).toBe(found.length);
      },
    ),
    { numRuns: 500 },
  );
});

test("foreign lines here and there do not cause everything that was sent to be read again and again", async () => {
  const sent = upTo(20_000);
  let read = 0;
  const counted: SentKeys = {
    async *keysFrom(index) {
      for await (const keys of keysOf(sent, 500).keysFrom(index)) {
        read += keys.length;
        yield keys;
      }
    },
  };
  const comparison = new OrderComparison(counted, { window: 1_000, maxPlaces: 3, firstNumber: 1 });
  let line = 0;
  for (const key of sent.slice(0, 2_000)) {
    for (let foreign = 0; foreign <= 70; foreign += 1) {
      const found = foreign === 70 ? key : -(line + 1);
      line += 1;
      if (!comparison.takeExpected(found))
        await comparison.take({ key: found, file: "log", line, otherwise: () => "foreign" });
    }
  }
  const { foreign, lost } = await comparison.end({ file: "log", line: line + 1 });
  expect({ foreign, lost }).toEqual({ foreign: 140_000, lost: 18_000 });
  // Once for each of the searches would be 40 million.
  expect(read).toBeLessThan(12_000_000);
});
