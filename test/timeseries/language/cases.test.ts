import { describe, expect, test } from "vitest";
import { QueryError } from "../../../src/timeseries/language/query-fault.js";
import { type InstantVector, List, Unit } from "../../../src/timeseries/language/values.js";
import { evaluated, plain, storeOf, stores } from "../stores.js";

const { E, S, M, R } = stores;
const at = (ms: number) => ({ timestamp: ms });
const lasting = (ms: number) => ({ duration: ms });

describe("the cases of the original's own suite", () => {
  test.each([
    [E, 0, "1 + 2 * 3", 7],
    [E, 0, "10 / 4", 2.5],
    [E, 0, "0 - 5", -5],
    [E, 0, "1 <= 1", true],
    [E, 0, "2 > 1", true],
    [E, 0, "1 != 1", false],
    [E, 0, "true && false", false],
    [E, 0, "false || true", true],
    [E, 0, "!true", false],
    [E, 0, "1ms", lasting(1)],
    [E, 0, "1s", lasting(1_000)],
    [E, 0, "1m", lasting(60_000)],
    [E, 0, "1h", lasting(3_600_000)],
    [E, 5_000, "now", at(5_000)],
    [E, 5_000, "now - 1s", at(4_000)],
    [E, 5_000, "now + 1s", at(6_000)],
    [E, 5_000, "epoch", at(0)],
    [E, 0, "to_scalar true", 1],
    [E, 0, "to_scalar 1s", 1_000],
    [E, 0, "()", new Unit()],
    [E, 0, "fst (fst ((1, 2), 3))", 1],
    [E, 0, "snd ((1, 2), 3)", 3],
    [E, 0, "let x = 1 in let x = 2 in x", 2],
    [E, 0, "let f = \\x -> x + 1 in let g = \\x -> f (f x) in g 3", 5],
    [S, 0, "m now", [42]],
    [M, 0, "max (m now)", 30],
    [M, 0, "min (m now)", 10],
    [M, 0, "avg (m now)", 20],
    [M, 0, "filter (\\x -> x > 15) (m now)", [20, 30]],
    [M, 0, "map (\\x -> x * 2) (m now)", [20, 40, 60]],
    [M, 0, '(m now){"k" = "1"}', [10]],
    [M, 0, '(m now){"k" != "1"}', [20, 30]],
    [M, 0, "unless (m now) (m now)", []],
    [S, 0, "m now + 1", [43]],
    [S, 0, "m now - 2", [40]],
    [S, 0, "m now * 2", [84]],
    [S, 0, "m now / 2", [21]],
    [M, 0, "m now > 15", [20, 30]],
    [M, 0, "m now == 20", [20]],
    [M, 0, "m now != 20", [10, 30]],
    [R, 1_000, "avg_over_time (m[now - 1s; now : 1s])", [0.5]],
    [R, 1_000, "sum_over_time (m[now - 1s; now : 1s])", [1]],
    [R, 1_000, "increase (m[now - 1s; now : 1s])", [1]],
    [R, 1_000, "rate (m[now - 1s; now : 1s])", [0.001]],
    [R, 1_000, "avg_over_time (m[now - 1s; now])", [0.5]],
    [E, 0, "metrics", new List([])],
    [S, 0, "metrics", new List(["m"])],
  ] as const)("%#: %3$s at %2$s", async (store, now, query, expected) => {
    expect(plain(await evaluated(store, now, query))).toEqual(expected);
  });
});

describe("the cases that follow from the rules", () => {
  test.each([
    [M, 0, "15 < m now", [20, 30]],
    [M, 0, "100 - m now", [90, 80, 70]],
    [M, 0, "60 / m now", [6, 3, 2]],
    [M, 0, "m now / 0", [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]],
    [M, 0, 'quantile_by ("k") 0.5 (m now)', [10, 20, 30]],
    [M, 0, "(m now){}", [10, 20, 30]],
    [M, 0, "(m now) { }", [10, 20, 30]],
    [M, 0, '(m now){"k" != "1", "k" != "3"}', [20]],
    [M, 0, '(m now){"other" != "1"}', [10, 20, 30]],
    [M, 0, '(m now){"other" = ""}', []],
    [R, 1_000, "m[now; now - 1s]", []],
    [E, 0, '"a"', "a"],
    [E, 0, "(1)", 1],
    [E, 0, "(1, true, 1s)", [1, [true, lasting(1_000)]]],
    [E, 0, "fst (snd (1, 2, 3))", 2],
    [E, 0, "1 - -5", 6],
    [E, 0, "1-5", -4],
    [E, 0, "-5", -5],
    [E, 0, "+5", 5],
    [E, 0, "1.5e3", 1_500],
    [E, 0, "2 * 3 - 4 / 2 + 1", 5],
    [E, 0, "1 < 2 == true", true],
    [E, 0, "false < true", true],
    [E, 0, "!(true && false)", true],
    [E, 0, "! false || false", true],
    [E, 0, "1s + epoch", at(1_000)],
    [E, 0, "1s + 500ms", lasting(1_500)],
    [E, 7, "to_scalar now", 7],
    [E, 0, "abs -5", 5],
    [E, 0, "abs (0 - 5)", 5],
    [E, 0, "round 2.5", 2],
    [E, 0, "round 3.5", 4],
    [E, 0, "round -2.5", -2],
    [E, 0, "1 / round -0.4", Number.POSITIVE_INFINITY],
    [E, 0, "round 2.4", 2],
    [E, 0, "to_scalar 3", 3],
    [E, 0, "let `strange name` = 1 in `strange name` + 1", 2],
    [E, 0, "let round = 1 in (\\x -> x) round", 1],
    [E, 0, "let\nx\n=\n1\nin\nx\n", 1],
    [E, 0, "(\\x -> \\y -> x - y) 5 3", 2],
    [E, 0, "let x = 1 in (let f = \\y -> x + y in let x = 10 in f 1)", 2],
    [E, 0, "let größe = 2 in größe", 2],
    [S, 0, "let m = 1 in m", 1],
    [M, 0, "map (\\p -> fst p - snd p) (join (m now) (m now * 2))", [-10, -20, -30]],
    [
      M,
      0,
      "join (m now > 15) (m now)",
      [
        [20, 20],
        [30, 30],
      ],
    ],
    [M, 0, "unless (m now) (m now > 15)", [10]],
    [M, 0, "map (\\x -> x > 15) (m now)", [false, true, true]],
    [M, 299_999, "m now", [10, 20, 30]],
    [M, 300_000, "m now", []],
    [M, 300_000, "m (now - 1ms)", [10, 20, 30]],
    [
      R,
      1_000,
      "m[now - 1s; now]",
      [
        {
          points: [
            [0, 0],
            [1_000, 1],
          ],
        },
      ],
    ],
    [
      R,
      1_000,
      "m [now - 1s ; now : 500ms]",
      [
        {
          points: [
            [0, 0],
            [500, 0],
            [1_000, 1],
          ],
        },
      ],
    ],
    [R, 1_000, "rate m[now - 1s; now] > 0.0005", [0.001]],
    [
      R,
      1_000,
      "m[now - 1s; now] * 10 + 1",
      [
        {
          points: [
            [0, 1],
            [1_000, 11],
          ],
        },
      ],
    ],
    [
      R,
      1_000,
      "1 - m[now - 1s; now]",
      [
        {
          points: [
            [0, 1],
            [1_000, 0],
          ],
        },
      ],
    ],
    [
      R,
      1_000,
      "(\\t -> m t + 1)[now - 1s; now]",
      [
        {
          points: [
            [0, 1],
            [1_000, 2],
          ],
        },
      ],
    ],
    [
      R,
      1_000,
      "(\\t -> map (\\x -> to_scalar (x < 1)) (m t))[now - 1s; now]",
      [
        {
          points: [
            [0, 1],
            [1_000, 0],
          ],
        },
      ],
    ],
    [R, 1_000, "quantile_over_time 0.5 (m[now - 1s; now])", [0]],
    [R, 1_000, "increase (m[now; now : 1s])", [0]],
  ] as const)("%#: %3$s at %2$s", async (store, now, query, expected) => {
    const found = await evaluated(store, now, query);
    expect(plain(found)).toEqual(expected);
  });

  test.each([
    ["0.5", [10, 20, 30], 15],
    ["0.95", [10, 20, 30], 28.5],
    ["0.2", [10, 20, 30], 10],
    ["0.5", [0, 1], 0],
    ["0", [3, 1, 2], 1],
    ["1", [3, 1, 2], 3],
    ["0.999", [0, 100], 98],
    ["0.5", [7], 7],
  ])("the quantile %s of %j is %s", async (k, values, expected) => {
    const store = storeOf({ m: values.map((value, n) => [{ a: "same", n: String(n) }, 0, value] as const) });
    const [element] = ((await evaluated(store, 0, `quantile_by ("a") ${k} (m now)`)) as InstantVector)
      .elements;
    expect(element!.value).toBeCloseTo(expected, 9);
    expect(element!.labels.pairs).toEqual([["a", "same"]]);
  });

  test("only neighbours with the same labels form a group", async () => {
    const store = storeOf({
      m: ["x", "y", "x"].map((b, n) => [{ a: String(n), b }, 0, n] as const),
    });
    const found = (await evaluated(store, 5, 'quantile_by ("b") 0.5 (m now)')) as InstantVector;
    expect(found.elements.map(({ labels, time }) => [labels.pairs, time])).toEqual([
      [[["b", "x"]], 5],
      [[["b", "y"]], 5],
      [[["b", "x"]], 5],
    ]);
  });

  test.each([
    ["avg_over_time", 2_000],
    ["sum_over_time", 2_000],
    ["increase", 1_000],
    ["rate", 1_000],
  ])("%s has the right time", async (builtin, time) => {
    const found = (await evaluated(R, 2_000, `${builtin} (m[epoch; epoch + 1s])`)) as InstantVector;
    expect(found.elements[0]!.time).toBe(time);
  });
});

describe("errors", () => {
  test.each([
    ["parse", E, "f(x)"],
    ["parse", E, " 1"],
    ["parse", E, "1d"],
    ["parse", E, "1.5h"],
    ["parse", S, "m[now; now ]"],
    ["parse", E, "fst"],
    ["parse", E, '""x'],
    ["parse", E, "nowhere"],
    ["parse", E, ""],
    ["parse", M, '(m now){"k" = "1" }'],
    ["parse", M, 'quantile_by ("k" ) 0.5 (m now)'],
    ["parse", E, "epochal"],
    ["parse", E, "truest"],
    ["parse", E, "falsehood"],
    ["parse", E, "1 +"],
    ["parse", E, "(1"],
    ["parse", E, "1 = 1"],
    ["parse", E, "let x = 1 in"],
    ["parse", E, "let now = 1 in 1"],
    ["parse", E, "let rate = 1 in 1"],
    ["parse", E, "let x = 1 in(x)"],
    ["parse", E, "1 + \\x -> x"],
    ["parse", E, "1 2 in"],
    ["parse", E, "abs"],
    ["parse", E, "abs 1 2"],
    ["parse", S, "metrics m"],
    ["parse", S, "map abs (m now)"],
    ["parse", S, "max(m now)"],
    ["parse", E, "round"],
    ["parse", E, "let round = 1 in round"],
    ["parse", E, "! !true"],
    ["parse", E, "-5s"],
    ["parse", E, "1e"],
    ["parse", E, "1."],
    ["parse", E, ".5"],
    ["parse", E, "5min"],
    ["parse", E, '"a\nb"'],
    ["parse", E, "``"],
    ["parse", E, "earliest 1"],
    ["bad_data", E, "1 + true"],
    ["bad_data", E, "now - now"],
    ["bad_data", E, "now < now"],
    ["bad_data", E, "`nowhere`"],
    ["bad_data", S, "earliest m"],
    ["bad_data", S, "latest m"],
    ["bad_data", E, "no_such_metric now"],
    ["bad_data", E, "\\x -> y"],
    ["bad_data", E, "x -5"],
    ["bad_data", E, "1 -5"],
    ["bad_data", S, "m now -2"],
    ["bad_data", S, 'm now {"a" = "b"}'],
    ["bad_data", S, "m 5"],
    ["bad_data", S, "m now + m now"],
    ["bad_data", S, "m + 1"],
    ["bad_data", S, "m now && true"],
    ["bad_data", E, "1s - 1s"],
    ["bad_data", E, "1s < 2s"],
    ["bad_data", E, "epoch + 1"],
    ["bad_data", E, '"a" == "a"'],
    ["bad_data", E, "!1"],
    ["bad_data", E, "1 < 2 < 3"],
    ["bad_data", E, "fst 1"],
    ["bad_data", S, "max m"],
    ["bad_data", S, "rate (m now)"],
    ["bad_data", S, "filter (\\x -> x) (m now)"],
    ["bad_data", S, "m[1; 2]"],
    ["bad_data", S, "m[now; now : 5]"],
    ["bad_data", S, "(m now)[now; now]"],
    ["bad_data", S, "(\\t -> 1)[now; now]"],
    ["bad_data", E, 'to_scalar "a"'],
    ["bad_data", E, "abs true"],
    ["execution", M, "avg (m now > 100)"],
    ["execution", M, "min (m now > 100)"],
    ["execution", M, "max (m now > 100)"],
    ["execution", R, "rate (m[now; now : 1s])"],
    ["execution", E, "epoch - 1ms"],
    ["execution", S, "m[epoch; epoch + 1h : 0s]"],
    ["execution", S, "m[epoch; epoch + 12000s]"],
    ["execution", M, "join (m now) (m now > 15)"],
    ["execution", M, 'quantile_by ("k") 1.5 (m now)'],
    ["execution", M, 'quantile_by ("k") -0.1 (m now)'],
    ["execution", M, 'quantile_by ("k") 0.5 (m now > 100)'],
    ["execution", M, 'quantile_by ("k") 0.5 (m now * (0 / 0))'],
    ["execution", M, "quantile_over_time 2 (m[now; now])"],
    ["execution", E, "(\\x -> x x) (\\x -> x x)"],
  ] as const)("%s for %3$s", async (errorType, store, query) => {
    const found = await evaluated(store, 0, query);
    expect(found).toBeInstanceOf(QueryError);
    expect({ query, errorType: (found as QueryError).errorType }).toEqual({ query, errorType });
  });

  test.each([
    ["1 +", "While executing, parsing error: input:1:4:\n"],
    ["1 +\n (2", "While executing, parsing error: input:2:4:\n"],
    [
      "true + 1",
      "While executing, elaboration error: Can't solve elaboration problems:\nBool + Scalar @ input:1:6",
    ],
    [
      "m 5",
      "While executing, elaboration error: Can't solve unification constraint: Timestamp = Scalar @ input:1:3",
    ],
    ["n now", "While executing, elaboration error: Undefined name: n\nDid you mean: m\n@ input:1:1"],
    ["avg (m now > 100)", "While executing, interpretation error: avg: empty instant vector"],
    [
      "rate (m[now; now])",
      "While executing, interpretation error: rate: single-point timeseries has undefined rate",
    ],
    ["earliest m", "While executing, elaboration error: Do not know how to elaborate"],
    [
      'to_scalar "a"',
      "While executing, elaboration error: to_scalar can't be applied to an expression of type Text",
    ],
    ["join (m now) (m now > 15)", "While executing, interpretation error: No matching label: "],
  ])("%j says %j", async (query, beginning) => {
    const message = String(plain(await evaluated(M, 0, query)));
    expect(message.slice(0, beginning.length)).toBe(beginning);
  });

  test("at most five names are suggested, the nearest first, including local ones", async () => {
    const names = ["blocks_a", "blocks_b", "blocks_cc", "blocks_dd", "blocks_e", "unlike"];
    const store = storeOf(Object.fromEntries(names.map((name) => [name, [[{}, 0, 1]] as const])));
    const message = plain(await evaluated(store, 0, "let blocks = 1 in blocks_ now"));
    expect(message).toContain("Did you mean: blocks, blocks_a, blocks_b, blocks_e, blocks_cc\n");
  });
});
