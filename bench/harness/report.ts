import type { Figures } from "./comparison.js";
import { type Finding, isMet, type Row, type RowResult } from "./row.js";
import type { Spread } from "./statistics.js";

/** A row's result for people. */
export function describe(row: Row, { findings, figures }: RowResult): string {
  const lines = [`${row.name}: ${row.summary}`];
  lines.push(...table(["", "median", "from … to", "target", ""], findings.map(describeFinding)));
  if (figures.length > 0) {
    lines.push(
      "",
      ...table(
        ["", "objects/s", "from … to", "CPU s/10⁶", "from … to", "peak MiB"],
        figures.map(describeFigures),
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

function describeFinding(finding: Finding): string[] {
  const { what, unit, value, target } = finding;
  return [
    what,
    unit === undefined ? number(value.median) : `${number(value.median)} ${unit}`,
    range(value),
  ].concat(target === undefined ? ["", ""] : [describeTarget(target), isMet(finding) ? "met" : "MISSED"]);
}

function describeTarget({ atLeast, atMost }: NonNullable<Finding["target"]>): string {
  return [atLeast === undefined ? [] : `≥ ${atLeast}`, atMost === undefined ? [] : `≤ ${atMost}`]
    .flat()
    .join(", ");
}

function describeFigures(figures: Figures): string[] {
  const { name, objectsPerSecond, cpuSecondsPerMillion, peakMemoryMiB } = figures;
  return [
    name,
    number(objectsPerSecond.median),
    range(objectsPerSecond),
    number(cpuSecondsPerMillion.median),
    range(cpuSecondsPerMillion),
    number(peakMemoryMiB.median),
  ];
}

function range({ least, most }: Spread): string {
  return `${number(least)} … ${number(most)}`;
}

/** Three significant digits. */
function number(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

/** Columns of equal width: the first left-aligned, the others right-aligned. */
function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const rows = [head, ...body];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows.map((cells) =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  ")}`.trimEnd(),
  );
}
