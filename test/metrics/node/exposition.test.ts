import { describe, expect, test } from "vitest";
import { ExposedNames } from "../../../src/metrics/node/exposed-name.js";
import { type ExpositionFormat, exposition } from "../../../src/metrics/node/exposition.js";
import { NodeMetrics } from "../../../src/metrics/node/node-metrics.js";
import { type MetricSet, metricsOf } from "./metric-sets.js";

interface Options {
  format?: ExpositionFormat;
  noSuffix?: boolean;
  help?: Record<string, string>;
}

/** The lines of an exposition without the timestamp that every store has, and the collisions it reports. */
function exposed(nodes: Record<string, MetricSet> | MetricSet[], options: Options = {}) {
  const labelled = Array.isArray(nodes)
    ? nodes.map((set) => ({ label: undefined, metrics: metricsOf(set) }))
    : Object.entries(nodes).map(([label, set]) => ({ label, metrics: metricsOf(set) }));
  const pieces = exposition(labelled, {
    format: options.format ?? "openmetrics",
    names: new ExposedNames({ noSuffix: options.noSuffix ?? false }),
    help: new Map(Object.entries(options.help ?? {})),
  });
  let text = "";
  for (;;) {
    const next = pieces.next();
    if (next.done) {
      const lines = text.split("\n").filter((line) => !line.includes("ekg_server_timestamp_ms"));
      return { text, lines, collided: next.value };
    }
    text += next.value;
  }
}

test("counters, gauges, numbers in texts and labels each get a line and a type, in the order of their names", () => {
  const set: MetricSet = [
    ["z.total", "c", 5n],
    ["slot.int", "g", -3n],
    ["density.real", "l", "0.05"],
    ["build.info", "l", '{version="10.1",rev="a\\"b"} 1'],
    ["note", "l", "some text"],
  ];
  expect(exposed([set]).lines).toEqual([
    "# TYPE build info",
    'build_info{version="10.1",rev="a\\"b"} 1',
    "# TYPE density_real gauge",
    "density_real 0.05",
    "# TYPE note unknown",
    'note{value="some text"} 1',
    "# TYPE slot_int gauge",
    "slot_int -3",
    "# TYPE z counter",
    "z_total 5",
    "# EOF",
    "",
  ]);
  expect(exposed([set], { format: "text" }).lines).toEqual([
    "# TYPE build_info gauge",
    'build_info{version="10.1",rev="a\\"b"} 1',
    "# TYPE density_real gauge",
    "density_real 0.05",
    "# TYPE note gauge",
    'note{value="some text"} 1',
    "# TYPE slot_int gauge",
    "slot_int -3",
    "# TYPE z_total counter",
    "z_total 5",
    "# EOF",
    "",
  ]);
});

test.each(["text", "openmetrics"] as const)("the timestamp of the store is a counter of %s", (format) => {
  const type = format === "text" ? "counter" : "unknown";
  expect(exposed([[]], { format }).text).toBe(
    `# TYPE ekg_server_timestamp_ms ${type}\nekg_server_timestamp_ms 1700000000123\n# EOF\n`,
  );
});

test("a node without metrics gives a valid exposition", () => {
  const pieces = exposition([{ label: undefined, metrics: new NodeMetrics({ maxBytes: 10 }) }], {
    format: "openmetrics",
    names: new ExposedNames({ noSuffix: false }),
    help: new Map(),
  });
  expect([...pieces].join("")).toBe("# EOF\n");
});

describe("types in OpenMetrics", () => {
  test.each<[string, MetricSet, string[]]>([
    ["a counter that does not end in _total is unknown", [["a", "c", 1n]], ["# TYPE a unknown"]],
    ["a counter ending in _total has a family without it", [["a_total", "c", 1n]], ["# TYPE a counter"]],
    ["a negative counter is unknown", [["a_total", "c", -1n]], ["# TYPE a_total unknown"]],
    ["a counter called only _total is unknown", [["_total", "c", 1n]], ["# TYPE _total unknown"]],
    ["a gauge may end in _total", [["a_total", "g", 1n]], ["# TYPE a_total gauge"]],
    [
      "a counter whose family name is a gauge is unknown",
      [
        ["a", "g", 1n],
        ["a_total", "c", 1n],
      ],
      ["# TYPE a gauge", "# TYPE a_total unknown"],
    ],
    [
      "a counter next to a series called _created is unknown",
      [
        ["a_created", "g", 1n],
        ["a_total", "c", 1n],
      ],
      ["# TYPE a_created gauge", "# TYPE a_total unknown"],
    ],
    [
      "an info next to a gauge of its family name is unknown",
      [
        ["a", "g", 1n],
        ["a_info", "l", '{x="1"} 1'],
      ],
      ["# TYPE a gauge", "# TYPE a_info unknown"],
    ],
    [
      "of a counter and an info with one family name the counter keeps it",
      [
        ["a_info", "l", '{x="1"} 1'],
        ["a_total", "c", 1n],
      ],
      ["# TYPE a_info unknown", "# TYPE a counter"],
    ],
    ["an info of another number is a gauge", [["a_info", "l", '{x="1"} 2']], ["# TYPE a_info gauge"]],
    ["a text ending in _info is an info", [["a_info", "l", "words"]], ["# TYPE a info"]],
  ])("%s", (_, set, types) => {
    expect(exposed([set]).lines.filter((line) => line.startsWith("# TYPE"))).toEqual(types);
  });
});

describe("names that collide", () => {
  const set: MetricSet = [
    ["a.b", "g", 1n],
    ["a-b", "g", 2n],
    ["a b", "g", 3n],
    ["a_b", "c", 4n],
  ];

  test.each([[set], [[...set].reverse()]])("give the first in sort order, and count the rest", (metrics) => {
    const { lines, collided } = exposed([metrics]);
    expect(lines).toEqual(["# TYPE a_b gauge", "a_b 3", "# EOF", ""]);
    expect(collided).toBe(3);
  });

  test("do not collide between two nodes, whatever the kinds", () => {
    const { lines, collided } = exposed({ one: [["a.b", "g", 1n]], two: [["a-b", "g", 2n]] });
    expect(lines).toEqual([
      "# TYPE a_b gauge",
      'a_b{node_name="one"} 1',
      'a_b{node_name="two"} 2',
      "# EOF",
      "",
    ]);
    expect(collided).toBe(0);
  });

  test("are more frequent without suffixes", () => {
    expect(
      exposed(
        [
          [
            ["a_int", "g", 1n],
            ["a", "g", 2n],
          ],
        ],
        { noSuffix: true },
      ),
    ).toMatchObject({
      lines: ["# TYPE a gauge", "a 2", "# EOF", ""],
      collided: 1,
    });
  });
});

describe("all nodes", () => {
  test("a family holds the samples of all nodes", () => {
    const { lines } = exposed({
      one: [
        ["x", "g", 1n],
        ["y", "g", 2n],
      ],
      'two "q" \\ \n': [
        ["y", "g", 3n],
        ["x", "g", 4n],
      ],
    });
    expect(lines).toEqual([
      "# TYPE x gauge",
      'x{node_name="one"} 1',
      'x{node_name="two \\"q\\" \\\\ \\n"} 4',
      "# TYPE y gauge",
      'y{node_name="one"} 2',
      'y{node_name="two \\"q\\" \\\\ \\n"} 3',
      "# EOF",
      "",
    ]);
  });

  test("a family has no type if its nodes disagree on the kind", () => {
    const nodes: Record<string, MetricSet> = { one: [["x", "g", 1n]], two: [["x", "c", 2n]] };
    expect(exposed(nodes).lines[0]).toBe("# TYPE x unknown");
    expect(exposed(nodes, { format: "text" }).lines[0]).toBe("# TYPE x untyped");
  });

  test("a node's own node_name label is kept apart from Muninn's", () => {
    const value = '{node_name="mine",exported_node_name="too"} 1';
    expect(exposed({ one: [["x_info", "l", value]] }).lines[1]).toBe(
      'x_info{node_name="one",exported_exported_node_name="mine",exported_node_name="too"} 1',
    );
    expect(exposed([[["x_info", "l", value]]]).lines[1]).toBe(
      'x_info{node_name="mine",exported_node_name="too"} 1',
    );
  });
});

describe("help", () => {
  test("belongs to its metric, not to one whose name begins the same", () => {
    const { lines } = exposed(
      [
        [
          ["a.b", "g", 1n],
          ["a.bc", "g", 1n],
        ],
      ],
      { help: { "a.b": "Of b.", c: "No." } },
    );
    expect(lines.filter((line) => line.startsWith("# HELP"))).toEqual(["# HELP a_b Of b."]);
  });

  test("precedes the type, under the family's name", () => {
    const help = { "a.total": "How many." };
    const set: MetricSet = [["a.total", "c", 1n]];
    expect(exposed([set], { help }).lines.slice(0, 2)).toEqual(["# HELP a How many.", "# TYPE a counter"]);
    expect(exposed([set], { help, format: "text" }).lines[0]).toBe("# HELP a_total How many.");
  });

  test("has escaped quotes in OpenMetrics only", () => {
    const help = { a: 'say "hi" \\ \n twice' };
    expect(exposed([[["a", "g", 1n]]], { help }).lines[0]).toBe('# HELP a say \\"hi\\" \\\\ \\n twice');
    expect(exposed([[["a", "g", 1n]]], { help, format: "text" }).lines[0]).toBe(
      '# HELP a say "hi" \\\\ \\n twice',
    );
  });

  test.each(["constructor", "__proto__"])("is not shown by accident for a metric called %s", (name) => {
    expect(exposed([[[name, "g", 1n]]]).text).not.toContain("HELP");
  });
});

test("the exposition of a thousand nodes comes in pieces that are never large", () => {
  const set: MetricSet = Array.from({ length: 30 }, (_, i) => [`metric.${i}`, "g", BigInt(i)]);
  const nodes = Array.from({ length: 1_000 }, (_, i) => ({ label: `node-${i}`, metrics: metricsOf(set) }));
  const options = { format: "text", names: new ExposedNames({ noSuffix: false }), help: new Map() } as const;
  const pieces = [...exposition(nodes, options)];
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(100_000);
  expect(pieces.filter((piece) => piece === "").length).toBeGreaterThanOrEqual(1_000);
  expect(pieces.join("").split("\n").length).toBe(31 * 1_001 + 2);
});

test("the exposition of a node with many metrics can pause often before its first piece", () => {
  const metrics = metricsOf(Array.from({ length: 10_000 }, (_, i) => [`name${i}`, "g", 1n] as const));
  const pieces = exposition([{ label: undefined, metrics }], {
    format: "text",
    names: new ExposedNames({ noSuffix: false }),
    help: new Map(),
  });
  let pauses = 0;
  while (pieces.next().value === "") pauses += 1;
  // Some while names are collected, some while they are sorted.
  expect(pauses).toBeGreaterThan(30);
});
