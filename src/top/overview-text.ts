import { visibleText } from "../text/visible-text.js";
import { type NodeReading, type Reading, rateSince } from "./reading.js";

/** What nodes are sorted by, and the key for it. */
export const sortKeys = {
  n: "name",
  r: "rate",
  t: "total",
  o: "outstanding",
  m: "metrics",
  d: "dropped",
} as const;
export type SortColumn = (typeof sortKeys)[keyof typeof sortKeys];

/** How the overview is laid out. */
export interface OverviewStyle {
  readonly sort: SortColumn;
  /** Reverse order. */
  readonly isReversed: boolean;
  readonly colours: boolean;
  /** Size of the terminal; undefined if there is room for everything. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  /** Nodes that are scrolled past. */
  readonly skipped: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const green = "\x1b[32m";
const yellow = "\x1b[33m";
const red = "\x1b[31m";
const bold = "\x1b[1m";
const reset = "\x1b[0m";
const stateColours = { ok: green, degraded: yellow, failing: red } as const;

interface Row {
  readonly text: string;
  readonly colour?: string;
}

/** The overview in lines, as many as there is room for: totals and health, then the nodes. */
export function overviewLines(
  reading: Reading,
  earlier: Reading | undefined,
  style: OverviewStyle,
): string[] {
  const nodes = sorted(reading, earlier, style);
  const above = [...head(reading, nodes, style.now), ...health(reading), ...sinks(reading), { text: "" }];
  const [title, ...table] = nodeTable(reading, nodes, style);
  const room = style.rows === undefined ? table.length : Math.max(0, style.rows - above.length - 2);
  const first = Math.max(0, Math.min(style.skipped, table.length - room));
  const shown = table.slice(first, first + room);
  const left = table.length - shown.length;
  const below = left === 0 ? [] : [{ text: `${left} more of ${table.length} nodes` }];
  const rows = [...above, ...(title === undefined ? [] : [title]), ...shown, ...below].slice(0, style.rows);
  return rows.map((row) => painted(row, style));
}

function painted({ text, colour }: Row, { colours, columns }: OverviewStyle): string {
  const visible = visibleText(text);
  const cut =
    columns === undefined || visible.length <= columns ? visible : `${visible.slice(0, columns - 1)}…`;
  return colours && colour !== undefined ? `${colour}${cut}${reset}` : cut.trimEnd();
}

interface RatedNode extends NodeReading {
  readonly now: number | undefined;
  readonly dropped: number;
}

function sorted(
  reading: Reading,
  earlier: Reading | undefined,
  { sort, isReversed }: OverviewStyle,
): RatedNode[] {
  const rated = reading.nodes.map((node): RatedNode => {
    const dropped = [...node.sinks.values()].reduce((sum, counts) => sum + counts.dropped, 0);
    return { ...node, now: rateSince(earlier, reading, node), dropped };
  });
  const byName = (one: RatedNode, other: RatedNode) => (one.name < other.name ? -1 : 1);
  const value = ({ now, total, outstanding, metrics, dropped }: RatedNode) =>
    ({ rate: now, total, outstanding, metrics, dropped, name: 0 })[sort] ?? -1;
  const order = rated.sort((one, other) => value(other) - value(one) || byName(one, other));
  return isReversed ? order.reverse() : order;
}

function head(reading: Reading, nodes: readonly RatedNode[], now: number): Row[] {
  const connected = nodes.filter(({ isConnected }) => isConnected).length;
  const rates = nodes.flatMap(({ now: rate }) => (rate === undefined ? [] : [rate]));
  const rate = rates.length === 0 ? "-" : whole(rates.reduce((sum, one) => sum + one, 0));
  const up = Number.isNaN(reading.startedAt) ? "" : `, up ${duration(now - reading.startedAt)}`;
  const { status } = reading.health;
  const text = `Muninn ${reading.version}${up}: ${status}, ${connected} of ${nodes.length} nodes connected, ${rate} lines/s`;
  return [{ text, colour: stateColours[status] }];
}

/** Problems, and what to do about them. */
function health({ health: { checks } }: Reading): Row[] {
  return checks.flatMap(({ name, state, reason, action }) => {
    if (state === "ok") return [];
    const why = reason === undefined ? "" : `: ${reason}`;
    const row = { text: `  ${state} ${name}${why}`, colour: stateColours[state] };
    return action === undefined ? [row] : [row, { text: `    ${action}` }];
  });
}

function sinks({ sinks: totals }: Reading): Row[] {
  return [...totals].map(([sink, { received, written, dropped }], index) => {
    const text = `  #${index + 1} ${sink}: ${whole(received)} received, ${whole(written)} written, ${whole(dropped)} dropped`;
    return dropped > 0 ? { text, colour: yellow } : { text };
  });
}

/** The title, then a row for each node; columns without any value are left out. */
function nodeTable(reading: Reading, nodes: readonly RatedNode[], style: OverviewStyle): Row[] {
  const perSink = nodes.some((node) => node.sinks.size > 0) ? [...reading.sinks.keys()] : [];
  const has = (key: "outstanding" | "metrics") => nodes.some((node) => node[key] !== undefined);
  const columns: [title: string, sort: SortColumn | undefined, cell: (node: RatedNode) => string][] = [
    ["NODE", "name", ({ name }) => visibleText(name)],
    ["STATE", undefined, ({ isConnected }) => (isConnected ? "connected" : "gone")],
    ["LINES/S", "rate", ({ now }) => (now === undefined ? "-" : whole(now))],
    ["LINES", "total", ({ total }) => whole(total)],
    ...perSink.map((sink, index): (typeof columns)[number] => [
      `#${index + 1}`,
      undefined,
      (node) => whole(node.sinks.get(sink)?.written ?? 0),
    ]),
    ...(perSink.length > 0
      ? [["DROPPED", "dropped", ({ dropped }) => whole(dropped)] satisfies (typeof columns)[number]]
      : []),
    ...(has("outstanding")
      ? [
          [
            "ASKED",
            "outstanding",
            ({ outstanding }) => amount(outstanding),
          ] satisfies (typeof columns)[number],
        ]
      : []),
    ...(has("metrics")
      ? [["METRICS", "metrics", ({ metrics }) => amount(metrics)] satisfies (typeof columns)[number]]
      : []),
  ];
  const titles = columns.map(([title, sort]) => (sort === style.sort ? `${title}*` : title));
  const cells = nodes.map((node) => columns.map(([, , cell]) => cell(node)));
  const widths = titles.map((title, index) =>
    cells.reduce((width, row) => Math.max(width, row[index]!.length), title.length),
  );
  const aligned = (row: readonly string[]) =>
    row
      .map((cell, index) => (index < 2 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!)))
      .join("  ");
  const rows = cells.map((row, index): Row => {
    const { isConnected } = nodes[index]!;
    return isConnected ? { text: aligned(row) } : { text: aligned(row), colour: yellow };
  });
  return [{ text: aligned(titles), colour: bold }, ...rows];
}

function amount(value: number | undefined): string {
  return value === undefined ? "-" : whole(value);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** `3 d 4 h`, `4 h 5 min`, `5 min 6 s`, `6 s`. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return "0 s";
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
