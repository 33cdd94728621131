import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Evaluation } from "../../../src/timeseries/language/evaluation.js";
import { Meter } from "../../../src/timeseries/language/meter.js";
import { parseQuery } from "../../../src/timeseries/language/parser.js";
import { Queries } from "../../../src/timeseries/language/queries.js";
import { QueryError } from "../../../src/timeseries/language/query-fault.js";
import { labelSet } from "../../../src/timeseries/store/labels.js";
import { Store } from "../../../src/timeseries/store/store.js";
import { evaluated, storeOf, stores } from "../stores.js";

/** A hundred series of an hour. */
const large = new Store({ maxBytes: 2 ** 26, minIntervalMs: 1 });
for (let node = 0; node < 100; node += 1) {
  const series = large.series("m", labelSet({ node: String(node) }))!;
  for (let n = 0; n <= 240; n += 1) large.append(series, n * 15_000, n);
}
const now = 3_600_000;

async function faultOf(store: Store, query: string, limits?: { timeoutMs: number; maxBytes: number }) {
  const found = await evaluated(store, now, query, limits);
  return found instanceof QueryError ? found.fault.code : "none";
}

/** The result of work, without pauses. */
function finished<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

describe("limits", () => {
  test.each([
    "m[now - 1h; now : 1s]",
    "(\\t -> m t)[now - 1h; now]",
    "map (\\x -> m[now - 1h; now]) (m now)",
  ])("%s ends once its memory is used up", async (query) => {
    expect(await faultOf(large, query, { timeoutMs: 60_000, maxBytes: 1_000_000 })).toBe("too-big");
  });

  test("memory that a step has released does not count", async () => {
    const query = "(\\t -> filter (\\x -> x < 0) (m t * 2 + 1))[now - 1h; now : 1s]";
    expect(await faultOf(large, query, { timeoutMs: 60_000, maxBytes: 100_000 })).toBe("none");
  });

  test("a query that takes too long is ended", async () => {
    const query = "(\\t -> map (\\x -> x + 1) (m t))[now - 1h; now : 400ms]";
    expect(await faultOf(large, query, { timeoutMs: 20, maxBytes: 2 ** 30 })).toBe("too-slow");
  });

  test("an answer that grows without end counts as memory", async () => {
    const doubled = Array.from({ length: 60 }, (_, n) => `let p${n + 1} = (p${n}, p${n}) in `).join("");
    const queries = new Queries({ source: () => large, limits: { timeoutMs: 60_000, maxBytes: 2 ** 22 } });
    const answer = queries.answer(`let p0 = 1 in ${doubled}p60`, now, { gzip: false });
    await expect(answer).rejects.toMatchObject({ fault: { code: "too-big" } });
    expect(Object.fromEntries(queries.outcomes)).toMatchObject({ execution: 1, success: 0 });
  });

  test("the event loop runs while a long query does", async () => {
    const queries = new Queries({ source: () => large, limits: { timeoutMs: 60_000, maxBytes: 2 ** 30 } });
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns += 1;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    await queries.evaluate("(\\t -> map (\\x -> x + 1) (m t))[now - 1h; now : 1s]", now);
    isDone = true;
    expect(turns).toBeGreaterThan(5);
  });

  test.each([
    ["m[now - 1h; now] * 2", 2],
    ["1 - m[now - 1h; now]", 2],
    ["rate (m[now - 1h; now])", 2],
    ["sum_over_time (m[now - 1h; now] + 1)", 3],
    ["quantile_over_time 0.5 (m[now - 1h; now])", 2],
  ])("%s pauses at each series, %i times for each, if its slice is over", (query, times) => {
    const meter = new Meter({ timeoutMs: 60_000, maxBytes: 2 ** 30 });
    const expression = finished(parseQuery(query, meter));
    meter.isDue = () => true;
    const evaluation = new Evaluation({ query, source: large, now, stepMs: 15_000, meter });
    const stops = [...evaluation.evaluate(expression, undefined)].length;
    expect(stops).toBeGreaterThanOrEqual(times * 100);
  });

  test.each([
    ["min (m now) + min (m now) + min (m now) + min (m now)", 4],
    [`(m now) {${new Array(50).fill('"a" != "b"').join(", ")}}`, 3],
    ["let v = m now in v > 1 > 1 > 1 > 1 > 1 > 1", 2],
    ["let v = m now in 1 < (1 < (1 < (1 < (1 < (1 < v)))))", 2],
    ["let v = m now in unless v (unless v (unless v (unless v (unless v v))))", 2],
    [`quantile_by (${new Array(50).fill('"a"').join(", ")}) 0.5 (m now)`, 3],
  ])("%s pauses once its slice is over, wherever that was noticed", (query, least) => {
    const meter = new Meter({ timeoutMs: 60_000, maxBytes: 2 ** 30 });
    const expression = finished(parseQuery(query, meter));
    const evaluation = new Evaluation({ query, source: large, now, stepMs: 15_000, meter });
    // Each reading of the clock says that the slice is over.
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 1_000);
    const stops = [...evaluation.evaluate(expression, undefined)].length;
    vi.restoreAllMocks();
    expect(stops).toBeGreaterThanOrEqual(least);
  });

  test.each([`(${"1,".repeat(300)}1)`, `m{${new Array(300).fill('"a"="b"').join(",")}}`])(
    "a long query is parsed with pauses",
    (query) => {
      const meter = new Meter({ timeoutMs: 60_000, maxBytes: 2 ** 30 });
      vi.spyOn(performance, "now").mockReturnValue(performance.now() + 1_000);
      const stops = [...parseQuery(query, meter)].length;
      vi.restoreAllMocks();
      expect(stops).toBeGreaterThan(20);
    },
  );

  test("copies of a vector count as memory, though they share its elements", async () => {
    const copies = new Array(200).fill("v{}").join(" + ");
    expect(
      await faultOf(large, `let v = m now in (${copies.replaceAll(" + ", ", ")})`, {
        timeoutMs: 60_000,
        maxBytes: 100_000,
      }),
    ).toBe("too-big");
  });

  test("vectors in vectors are answered to a depth of four, because each escapes the text of the inner one", async () => {
    const nested = (depth: number) =>
      `let v = (m now) {"node" = "1"} in ${"map (\\x -> ".repeat(depth)}v${") v".repeat(depth)}`;
    const queries = new Queries({ source: () => large, limits: { timeoutMs: 60_000, maxBytes: 2 ** 30 } });
    expect(await queries.answer(nested(4), now, { gzip: false })).toBeDefined();
    await expect(queries.answer(nested(5), now, { gzip: false })).rejects.toMatchObject({
      fault: { code: "too-nested" },
    });
  });

  test("a stop ends running and waiting queries", async () => {
    const stopping = new AbortController();
    const limits = { timeoutMs: 60_000, maxBytes: 2 ** 30, stopping: stopping.signal };
    const queries = new Queries({ source: () => large, limits });
    const query = "(\\t -> map (\\x -> x + 1) (m t))[now - 1h; now : 400ms]";
    const answers = Array.from({ length: 20 }, () => queries.answer(query, now, { gzip: false }));
    setTimeout(() => stopping.abort(), 20);
    for (const { status } of await Promise.allSettled(answers)) expect(status).toBe("rejected");
    await expect(answers[19]).rejects.toMatchObject({ fault: { code: "stopped" } });
  });

  test("a client that leaves ends its query, whether it runs or waits, and no other", async () => {
    const queries = new Queries({ source: () => large, limits: { timeoutMs: 60_000, maxBytes: 2 ** 30 } });
    const long = "(\\t -> map (\\x -> x + 1) (m t))[now - 1h; now : 400ms]";
    const leaving = new AbortController();
    const options = { gzip: false, gone: leaving.signal };
    const answers = Array.from({ length: 20 }, () => queries.answer(long, now, options));
    const other = queries.answer("1", now, { gzip: false });
    setTimeout(() => leaving.abort(), 20);
    const gone = { status: "rejected", reason: { fault: { code: "gone" } } };
    expect(await Promise.allSettled(answers)).toMatchObject(answers.map(() => gone));
    expect(await other).toBeDefined();
    expect(Object.fromEntries(queries.outcomes)).toMatchObject({ execution: 20, success: 1 });
  });

  test("beyond four running and sixty-four waiting queries one is refused", async () => {
    const queries = new Queries({ source: () => large, limits: { timeoutMs: 60_000, maxBytes: 2 ** 26 } });
    const answers = Array.from({ length: 70 }, () => queries.answer("1", now, { gzip: false }));
    const refused = (await Promise.all(answers)).filter((body) => body === undefined);
    expect(refused).toHaveLength(2);
    expect(Object.fromEntries(queries.outcomes)).toMatchObject({ refused: 2, success: 68 });
  });

  test.each([
    ["brackets", `${"(".repeat(5_000)}1${")".repeat(5_000)}`],
    ["operators", `1${" + 1".repeat(5_000)}`],
    ["arguments", `f${" 1".repeat(5_000)}`],
    ["pairs", `(1${", 1".repeat(5_000)})`],
    ["bindings", `${"let a = 1 in ".repeat(5_000)}a`],
    ["functions", `${"\\x -> ".repeat(5_000)}x`],
    ["ranges", `m${"[now; now]".repeat(5_000)}`],
  ])("%s nested too deeply are a parse error", async (_, query) => {
    expect(await faultOf(large, query)).toBe("syntax");
  });

  test.each([
    ["operators", `1${" + 1".repeat(390)}`],
    ["brackets", `${"(".repeat(190)}1${")".repeat(190)}`],
    ["bindings", `${"let a = 1 in ".repeat(190)}a`],
    [
      "calls",
      `let f0 = \\x -> x in ${Array.from({ length: 99 }, (_, n) => `let f${n + 1} = \\x -> f${n} x in `).join("")}f99 1`,
    ],
  ])("%s nested up to the limit are evaluated", async (_, query) => {
    expect(await faultOf(large, query)).toBe("none");
  });

  test("pairs nested too deeply to be written are an error of the query", async () => {
    const deepen = `\\p -> ${"(1, ".repeat(100)}p${")".repeat(100)}`;
    const steps = Array.from({ length: 180 }, (_, n) => `let p${n + 1} = f p${n} in `).join("");
    const queries = new Queries({ source: () => large, limits: { timeoutMs: 60_000, maxBytes: 2 ** 26 } });
    const answer = queries.answer(`let f = ${deepen} in let p0 = 1 in ${steps}p180`, now, { gzip: false });
    await expect(answer).rejects.toMatchObject({ fault: { code: "too-deep" } });
  });
});

describe("random queries", () => {
  const words = fc.constantFrom(
    ...[
      "m",
      "now",
      "epoch",
      "1",
      "-2",
      "5m",
      "0.5",
      "true",
      '"k"',
      "x",
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      ";",
      ":",
      ",",
    ],
    ...[
      "+",
      "-",
      "*",
      "/",
      "==",
      "!=",
      "<",
      "&&",
      "||",
      "!",
      "=",
      "\\x -> ",
      "let x = ",
      " in ",
      " ",
      "\n",
      "rate ",
    ],
    ...[
      "max ",
      "filter ",
      "map ",
      "join ",
      "metrics",
      "to_scalar ",
      'quantile_by ("k") ',
      "m[now - 5m; now]",
    ],
  );

  test("any text gives a value or an error of one of the three types", async () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.array(words, { maxLength: 25 }).map((each) => each.join("")),
    );
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(...Object.values(stores)), async (query, store) => {
        const queries = new Queries({
          source: () => store,
          limits: { timeoutMs: 10_000, maxBytes: 2 ** 24 },
        });
        try {
          const body = await queries.answer(query, 1_000, { gzip: false });
          const answer = JSON.parse(Buffer.concat([...body!.chunks]).toString("utf8"));
          expect(answer.status).toBe("success");
          seen.set("success", (seen.get("success") ?? 0) + 1);
        } catch (error) {
          if (!(error instanceof QueryError)) throw error;
          seen.set(error.errorType, (seen.get(error.errorType) ?? 0) + 1);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(seen.get("parse")).toBeGreaterThan(0);
    expect(seen.get("success")).toBeGreaterThan(0);
  });

  test("a query generated from an expression is parsed with any optional white space", async () => {
    const spaces = fc.constantFrom(" ", "  ", "\n", "\t ");
    await fc.assert(
      fc.asyncProperty(fc.array(spaces, { minLength: 6, maxLength: 6 }), async (s) => {
        const query = `let${s[0]}x${s[1]}=${s[2]}(1${s[3]},${s[4]}2)${s[5]}in fst x${s[0]}+${s[1]}1${s[2]}`;
        expect(await evaluated(storeOf({}), 0, query)).toBe(2);
      }),
    );
  });
});
