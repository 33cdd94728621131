import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonLine, LineLayout, type LineStyle } from "../../src/tail/line-style.js";
import { machineLine, type TracedLine } from "../../src/tail/traced-line.js";
import { machineText } from "./logs.js";

const plain: LineStyle = { colours: false, columns: undefined, wrap: false };

function line(node: string, text: string, fields: Parameters<typeof machineText>[2] = {}): TracedLine {
  return machineLine(machineText(0, text, fields), { node, fallbackAt: 0n });
}

function shown(lines: readonly TracedLine[], style: LineStyle): string {
  const layout = new LineLayout();
  layout.prepare(lines);
  return lines.map((one) => layout.show(one, style)).join("");
}

describe("for people", () => {
  test("columns are aligned, and data is shown as pairs", () => {
    const lines = [line("relay-1", "a b"), line("r", "one", { ns: "ChainDB.AddBlock", sev: "Warning" })];
    expect(shown(lines, plain)).toBe(
      '2026-02-16 09:30:00.000Z Info      relay-1 Net.Peer         text="a b"\n' +
        "2026-02-16 09:30:00.000Z Warning   r       ChainDB.AddBlock text=one\n",
    );
  });

  test("colours show the severity, and only colours differ", () => {
    const lines = [line("a", "bad", { sev: "Error" })];
    const coloured = shown(lines, { ...plain, colours: true });
    expect(coloured).toContain("\x1b[31mError    \x1b[0m");
    expect(stripVTControlCharacters(coloured)).toBe(shown(lines, plain));
  });

  test("whatever a node sends, a cut line uses one row of the terminal, and a wrapped one loses nothing", () => {
    const text = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 160 }), fc.boolean(), (human, columns, colours) => {
        const one = { ...line("a", ""), human };
        const cut = stripVTControlCharacters(shown([one], { columns, colours, wrap: false }));
        // Time and severity stay whole even on a terminal too narrow for them.
        expect(cut.split("\n").filter((row) => row.length > Math.max(columns, 34))).toEqual([]);
        expect(cut.match(/\n/g)).toHaveLength(1);
        const rows = shown([one], { columns, colours: false, wrap: true }).slice(0, -1).split("\n");
        const whole = shown([one], plain).slice(0, -1);
        expect(rows.join("").replaceAll(" ", "")).toBe(whole.replaceAll(" ", ""));
      }),
    );
  });

  test("peers cannot send control characters to a terminal", () => {
    const hostile = { ...line("a\x1b[2J", ""), namespace: "N\x07", human: "\x1b]0;title\x07\nnext\u202e" };
    expect(shown([hostile], plain)).toContain(
      String.raw`a\x1b[2J N\x07     \x1b]0;title\x07\x0anext\u202e`.replace("     ", " "),
    );
  });
});

describe("for programs", () => {
  test("a line is the node's own JSON with the node's name in front", () => {
    const text = machineText(0, "é \u0085");
    const json = jsonLine(machineLine(text, { node: 'a"b', fallbackAt: 0n }));
    expect(JSON.parse(json)).toEqual({ node: 'a"b', ...JSON.parse(text) });
    expect(json).toContain("é \\u0085");
  });

  test.each([
    { text: " { } ", json: { node: "a" } },
    { text: "no JSON", json: { node: "a", text: "no JSON" } },
    { text: "[1]", json: { node: "a", text: "[1]" } },
  ])("the line $text is one JSON object as well", ({ text, json }) => {
    expect(JSON.parse(jsonLine(machineLine(text, { node: "a", fallbackAt: 0n })))).toEqual(json);
  });

  test("a console line shows its facts", () => {
    const told: TracedLine = {
      ...line("a", ""),
      form: "console",
      human: "text",
      at: 1_771_234_201_000_000_007n,
    };
    expect(JSON.parse(jsonLine(told))).toEqual({
      node: "a",
      at: "2026-02-16T09:30:01.000000007Z",
      ns: "Net.Peer",
      sev: "Info",
      thread: "7",
      host: "h",
      text: "text",
    });
  });
});
