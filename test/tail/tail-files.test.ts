import { appendFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineSearch } from "../../src/tail/line-search.js";
import { type OpenStoredBytes, storedBytesOpener } from "../../src/tail/stored-bytes.js";
import { type FilesToTail, tailFiles } from "../../src/tail/tail-files.js";
import type { TracedLine } from "../../src/tail/traced-line.js";
import { begin, logRoot, machineText, textsOf, writeLog } from "./logs.js";

const root = logRoot();

function options(given: Partial<FilesToTail> = {}): FilesToTail {
  const none = (sentence: string) => expect.fail(sentence);
  return { root: root.path, nodes: [], count: 10, wanted: {}, follow: false, remark: none, ...given };
}

async function shown(given: Partial<FilesToTail> = {}): Promise<TracedLine[]> {
  const lines: TracedLine[] = [];
  for await (const some of tailFiles(options(given))) lines.push(...some);
  return lines;
}

function time(ms: number): bigint {
  return BigInt(begin * 1_000 + ms) * 1_000_000n;
}

function numbered(from: number, to: number, ms = 10): string[] {
  return Array.from({ length: to - from }, (_, index) => machineText((from + index) * ms, `${from + index}`));
}

describe("existing files", () => {
  test("the last lines come from as many files as needed, compressed ones too, a torn end included", async () => {
    await writeLog(root.path, "a", 0, numbered(0, 4), "json.gz");
    await writeLog(root.path, "a", 1, numbered(4, 6));
    const last = await writeLog(root.path, "a", 2, numbered(6, 8));
    await appendFile(last, machineText(80, "8"));
    expect(textsOf(await shown({ count: 7 }))).toEqual(["2", "3", "4", "5", "6", "7", "8"]);
  });

  test("a file that is being compressed is read once", async () => {
    const path = await writeLog(root.path, "a", 0, numbered(0, 3));
    await writeFile(`${path}.gz`, gzipSync("half"));
    expect(textsOf(await shown())).toEqual(["0", "1", "2"]);
  });

  test("lines of many nodes, files and lengths come in the order of a sort by time", async () => {
    const entry = fc.record({ gap: fc.integer({ min: 0, max: 3 }), length: fc.constantFrom(1, 10, 40_000) });
    const node = fc.array(fc.array(entry, { maxLength: 12 }), { minLength: 1, maxLength: 3 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 60 }),
        async (nodes, count, sinceMs) => {
          run += 1;
          const below = join(root.path, `${run}`);
          const all: { ms: number; text: string }[] = [];
          for (const [index, files] of nodes.entries()) {
            let ms = 0;
            for (const [second, entries] of files.entries()) {
              const lines = entries.map(({ gap, length }, place) => {
                ms += gap;
                const text = `${index}/${second}/${place}/${"x".repeat(length)}`;
                all.push({ ms, text });
                return machineText(ms, text);
              });
              const ending = second === 0 && index % 2 === 0 ? "json.gz" : "json";
              await writeLog(below, `n${index}`, second, lines, ending);
            }
          }
          const sorted = all.toSorted((one, other) => one.ms - other.ms);
          const last = textsOf(await shown({ root: below, count }));
          expect(last).toEqual(count === 0 ? [] : sorted.slice(-count).map(({ text }) => text));
          const since = textsOf(
            await shown({ root: below, count: undefined, wanted: { since: time(sinceMs) } }),
          );
          expect(since).toEqual(sorted.filter(({ ms }) => ms >= sinceMs).map(({ text }) => text));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("a compressed file is read backwards whole, in windows far smaller than it", async () => {
    const lines = Array.from({ length: 3_000 }, (_, index) =>
      machineText(index, `${index} ${"y".repeat(1_000)}`),
    );
    await writeLog(root.path, "a", 0, lines, "json.gz");
    const open = storedBytesOpener(100_000, (sentence) => expect.fail(sentence));
    const found = await shown({ open, count: 3_000 });
    expect(found.map(({ text }) => text)).toEqual(lines);
  });

  test("a damaged file is reported, and the lines before the damage are shown", async () => {
    const path = await writeLog(root.path, "a", 0, [], "json.gz");
    const whole = gzipSync(`${numbered(0, 5_000).join("\n")}\n`);
    await writeFile(path, whole.subarray(0, whole.length - 100));
    const remarks: string[] = [];
    const found = await shown({ remark: (sentence) => remarks.push(sentence), count: 10_000 });
    expect(textsOf(found.slice(0, 3))).toEqual(["0", "1", "2"]);
    expect(remarks).toEqual([expect.stringMatching(/json\.gz is damaged or cut off/)]);
  });

  test("filters are whole namespace segments, minimum severity and a regular expression", async () => {
    await writeLog(root.path, "a", 0, [
      machineText(0, "one", { ns: "ChainDB.AddBlock" }),
      machineText(1, "two", { ns: "ChainDBX.AddBlock", sev: "Error" }),
      machineText(2, "three", { ns: "ChainDB", sev: "Warning" }),
      machineText(3, "four", { ns: "Net", sev: "Emergency" }),
    ]);
    const texts = async (wanted: FilesToTail["wanted"]) => textsOf(await shown({ wanted }));
    expect(await texts({ namespaces: ["ChainDB"] })).toEqual(["one", "three"]);
    expect(await texts({ namespaces: ["ChainDB.", "Net"] })).toEqual(["one", "four"]);
    expect(await texts({ severity: "Error" })).toEqual(["two", "four"]);
    expect(await texts({ search: new LineSearch(`:"t[wh]`) })).toEqual(["two", "three"]);
  });

  test("a node's directory can be given instead of the root", async () => {
    await writeLog(root.path, "a", 0, numbered(0, 2));
    expect((await shown({ root: join(root.path, "a") })).map(({ node }) => node)).toEqual(["a", "a"]);
  });

  test.each([
    { name: "relay1", message: /no node relay1 below .*; did you mean relay-1\?/ },
    { name: "relay", message: /did you mean relay-1, relay-2\?/ },
    { name: "zzz", message: /there are block-producer, relay-1, relay-2$/ },
  ])("the unknown node $name is refused with the nearest names", async ({ name, message }) => {
    for (const node of ["relay-1", "relay-2", "block-producer"]) await writeLog(root.path, node, 0, ["{}"]);
    await expect(shown({ nodes: [name] })).rejects.toMatchObject({
      code: "unknown-node",
      message: expect.stringMatching(message),
    });
  });

  test("lines for people are read if there are no others, with their continuation lines", async () => {
    const head = (ms: number, severity: string, text: string) =>
      `[${new Date(begin * 1_000 + ms).toISOString().replace("T", " ").slice(0, -1)}9Z][h:1:Net.A](${severity},7) ${text}`;
    await writeLog(
      root.path,
      "a",
      0,
      [head(0, "Info", "first"), "  more of it", head(20, "Error", "second"), "  and more"],
      "log",
    );
    await writeLog(root.path, "b", 0, [machineText(10, "between", { sev: "Error" })]);
    const humans = async (given: Partial<FilesToTail>) =>
      (await shown(given)).map(({ human = "(b)" }) => human);
    expect(await humans({})).toEqual(["first", "  more of it", "(b)", "second", "  and more"]);
    expect(await humans({ wanted: { severity: "Error" } })).toEqual(["(b)", "second", "  and more"]);
    expect(await humans({ count: undefined, wanted: { severity: "Error", since: time(5) } })).toEqual([
      "(b)",
      "second",
      "  and more",
    ]);
    expect((await shown({ nodes: ["a"] }))[0]).toMatchObject({
      host: "h:1",
      namespace: "Net.A",
      thread: "7",
      at: time(0) + 900_000n,
    });
  });
});

describe("lines that are late by up to a minute are found:", () => {
  test("in a file before the one that a time belongs to", async () => {
    await writeLog(root.path, "a", 0, [machineText(10_000, "early"), machineText(90_000, "ahead")]);
    await writeLog(root.path, "a", 70, [machineText(85_000, "next")]);
    const found = await shown({ count: undefined, wanted: { since: time(80_000) } });
    expect(textsOf(found)).toEqual(["ahead", "next"]);
  });

  test("before lines that are older than the time", async () => {
    const late = Array.from({ length: 100 }, () => machineText(30_000, "late"));
    await writeLog(root.path, "a", 0, [machineText(100_000, "wanted"), ...late]);
    expect(textsOf(await shown({ count: 5, wanted: { since: time(50_000) } }))).toEqual(["wanted"]);
  });
});

test("hidden directories are not nodes", async () => {
  await writeLog(root.path, "a", 0, [machineText(0, "a")]);
  await writeLog(root.path, ".hidden", 0, [machineText(0, "hidden")]);
  expect(textsOf(await shown())).toEqual(["a"]);
});

describe("the amount read", () => {
  /** Counts bytes and opened files. */
  function counting(): { bytes: number; opened: string[]; open: OpenStoredBytes } {
    const plain = storedBytesOpener(1_000_000, (sentence) => expect.fail(sentence));
    const counts = {
      bytes: 0,
      opened: [] as string[],
      open: async (file: Parameters<OpenStoredBytes>[0]) => {
        counts.opened.push(file.name);
        const stored = await plain(file);
        return {
          ...stored,
          read: async (position: number, length: number) => {
            const bytes = await stored.read(position, length);
            counts.bytes += bytes.length;
            return bytes;
          },
        };
      },
    };
    return counts;
  }

  async function largeLog(): Promise<void> {
    for (let file = 0; file < 3; file += 1)
      await writeLog(root.path, "a", file * 400, numbered(file * 40_000, (file + 1) * 40_000));
  }

  test("the last lines need one small block of the newest file", async () => {
    await largeLog();
    const counts = counting();
    expect(textsOf(await shown({ open: counts.open, count: 3 }))).toEqual(["119997", "119998", "119999"]);
    expect(counts.opened).toHaveLength(1);
    expect(counts.bytes).toBeLessThanOrEqual(16 * 1024);
  });

  test("a time is found by file names and bisection, and earlier lines are not read", async () => {
    await largeLog();
    const counts = counting();
    const found = await shown({ open: counts.open, count: undefined, wanted: { since: time(1_195_000) } });
    expect(textsOf(found)).toEqual(Array.from({ length: 500 }, (_, index) => `${119_500 + index}`));
    expect(counts.opened).toHaveLength(1);
    // 500 lines are 60 kB, the file holds 4.8 MB.
    expect(counts.bytes).toBeLessThan(400_000);
  });
});

describe("following", () => {
  /** Runs until nothing is pending: each pause does the next step, and the last one ends it. */
  async function followed(
    steps: readonly (() => Promise<unknown>)[],
    given: Partial<FilesToTail> = {},
  ): Promise<TracedLine[]> {
    const lines: TracedLine[] = [];
    let pauses = 0;
    const over = new Error("over");
    // Each step gets enough rounds for a look at directories and for leaving a file.
    const pausesPerStep = 12;
    const pause = async () => {
      if (pauses % pausesPerStep === 0) {
        const step = steps[pauses / pausesPerStep];
        if (step === undefined) throw over;
        await step();
      }
      pauses += 1;
    };
    const run = async () => {
      for await (const some of tailFiles(options({ follow: true, pause, ...given }))) lines.push(...some);
    };
    await expect(run()).rejects.toBe(over);
    return lines;
  }

  test("each line is shown once across rotation, compression and deletion", async () => {
    const first = await writeLog(root.path, "a", 0, numbered(0, 3));
    let second = "";
    const lines = await followed([
      () => appendFile(first, `${machineText(30, "3")}\n`),
      async () => {
        second = await writeLog(root.path, "a", 1, numbered(4, 6));
      },
      async () => {
        await rm(first);
        await appendFile(second, `${machineText(60, "6")}\n`);
      },
      async () => {
        await writeLog(root.path, "a", 2, numbered(7, 8));
        await writeFile(`${second}.gz`, gzipSync("whatever"));
        await rm(second);
      },
      async () => {
        // Two at once, the first compressed before it was noticed.
        await writeLog(root.path, "a", 3, numbered(8, 10), "json.gz");
        await writeLog(root.path, "a", 4, numbered(10, 11));
      },
    ]);
    expect(textsOf(lines)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
  });

  test("lines written to a file after its deletion are shown", async () => {
    const { open } = await import("node:fs/promises");
    const path = await writeLog(root.path, "a", 0, numbered(0, 1));
    await using writer = await open(path, "a");
    const lines = await followed([
      () => rm(path),
      () => writer.write(`${machineText(10, "1")}\n`),
      async () => {
        await writeLog(root.path, "a", 1, numbered(3, 4));
        await writer.write(`${machineText(20, "2")}\n`);
      },
    ]);
    expect(textsOf(lines)).toEqual(["0", "1", "2", "3"]);
  });

  test("a line is shown once it is complete, and one that a killed tracer left unfinished when the next file begins", async () => {
    const text = machineText(0, "whole");
    const path = await writeLog(root.path, "a", 0, []);
    const lines = await followed([
      () => appendFile(path, text.slice(0, 20)),
      () => appendFile(path, `${text.slice(20)}\n{"torn`),
      () => writeLog(root.path, "a", 1, numbered(1, 2)),
    ]);
    expect(lines.map((line) => line.text)).toEqual([text, '{"torn', machineText(10, "1")]);
  });

  test("if the newest file is removed while the nodes are looked for, the one before is followed", async () => {
    const first = await writeLog(root.path, "a", 0, [machineText(0, "one")]);
    const last = await writeLog(root.path, "a", 10, [machineText(10_000, "gone")]);
    const plain = storedBytesOpener(1_000_000, (sentence) => expect.fail(sentence));
    const open: OpenStoredBytes = async (file) => {
      if (file.path === last) await rm(last, { force: true });
      return plain(file);
    };
    const steps = [() => appendFile(first, `${machineText(20_000, "two")}\n`)];
    expect(textsOf(await followed(steps, { open }))).toEqual(["one", "two"]);
  });

  test("a file that is truncated, or replaced under its name, is read from its beginning", async () => {
    const path = await writeLog(root.path, "a", 0, numbered(0, 3));
    const lines = await followed([
      async () => {
        await truncate(path, 0);
        await appendFile(path, `${machineText(30, "3")}\n`);
      },
      async () => {
        await rename(path, join(root.path, "elsewhere"));
        await writeLog(root.path, "a", 0, numbered(4, 8));
      },
    ]);
    expect(textsOf(lines)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
  });

  test("nodes that are new, or whose directory was removed and created again, are shown", async () => {
    await writeLog(root.path, "a", 0, numbered(0, 1));
    const steps = [
      () => writeLog(root.path, "b", 1, numbered(1, 2)),
      () => rm(join(root.path, "a"), { recursive: true }),
      () => writeLog(root.path, "a", 2, numbered(2, 3)),
    ];
    expect(textsOf(await followed(steps))).toEqual(["0", "1", "2"]);
  });

  test("only matching lines of the requested nodes are followed", async () => {
    const path = await writeLog(root.path, "a", 0, numbered(0, 1));
    const given = { nodes: ["a"], count: 0, wanted: { severity: "Error" as const } };
    const lines = await followed(
      [
        () => writeLog(root.path, "b", 1, [machineText(10, "other", { sev: "Error" })]),
        () => appendFile(path, `${machineText(20, "mild")}\n${machineText(30, "bad", { sev: "Error" })}\n`),
      ],
      given,
    );
    expect(textsOf(lines)).toEqual(["bad"]);
  });
});
