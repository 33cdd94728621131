import type { Severity } from "../protocol/trace-batch.js";
import { dataText } from "../text/data-text.js";
import { visibleJson, visibleText } from "../text/visible-text.js";
import type { TracedLine } from "./traced-line.js";

/** How lines are laid out for people. */
export interface LineStyle {
  readonly colours: boolean;
  /** Columns of the terminal; undefined if lines may be of any length. */
  readonly columns: number | undefined;
  /** Whether text that does not fit continues on the next line; otherwise it is cut. */
  readonly wrap: boolean;
}

const reset = "\x1b[0m";
const faint = "\x1b[2m";
const colours: Readonly<Record<Severity, string>> = {
  Debug: faint,
  Info: "",
  Notice: "\x1b[36m",
  Warning: "\x1b[33m",
  Error: "\x1b[31m",
  Critical: "\x1b[1;31m",
  Alert: "\x1b[1;31m",
  Emergency: "\x1b[1;97;41m",
};

const severityWidth = "Emergency".length;
/** Greatest width of the columns; longer names are shown whole, and move the text to the right. */
const mostNodeWidth = 24;
const mostNamespaceWidth = 40;
/** The least width of the text, however narrow the terminal is. */
const leastTextWidth = 20;

/** Lays out lines in columns, which grow as needed. */
export class LineLayout {
  #nodeWidth = 0;
  #namespaceWidth = 0;

  /** Makes the columns wide enough for lines that are about to be shown. */
  prepare(lines: readonly TracedLine[]): void {
    for (const { node, namespace } of lines) {
      this.#nodeWidth = grown(this.#nodeWidth, visibleText(node), mostNodeWidth);
      this.#namespaceWidth = grown(this.#namespaceWidth, visibleText(namespace), mostNamespaceWidth);
    }
  }

  /** One line, or several if it wraps, each ended by a line feed. Control characters in peers' text are escaped. */
  show(line: TracedLine, { colours: isColoured, columns, wrap }: LineStyle): string {
    const node = visibleText(line.node);
    const namespace = visibleText(line.namespace);
    const severity = (line.severity ?? "-").padEnd(severityWidth);
    const before = `${timeText(line.at)} `;
    const rest = ` ${node.padEnd(this.#nodeWidth)} ${namespace.padEnd(this.#namespaceWidth)} `;
    const indent = before.length + severityWidth + rest.length;
    const texts = fitted(visibleText(messageOf(line)), indent, columns, wrap);
    const [head = "", ...more] = texts;
    const begin =
      columns === undefined || wrap
        ? rest
        : rest.slice(0, Math.max(0, columns - before.length - severityWidth));
    const colour = isColoured && line.severity !== undefined ? colours[line.severity] : "";
    const painted = (text: string, how: string) =>
      how === "" || text === "" ? text : `${how}${text}${reset}`;
    const time = painted(before, isColoured ? faint : "");
    const first = `${time}${painted(severity, colour)}${painted(begin, isColoured ? faint : "")}${painted(head, colour)}`;
    const below = " ".repeat(
      columns === undefined ? indent : Math.max(0, Math.min(indent, columns - leastTextWidth)),
    );
    return [first, ...more.map((text) => `${below}${painted(text, colour)}`)]
      .map((row) => `${row}\n`)
      .join("");
  }
}

function grown(width: number, text: string, most: number): number {
  return Math.min(most, Math.max(width, text.length));
}

function fitted(text: string, indent: number, columns: number | undefined, wrap: boolean): string[] {
  if (columns === undefined) return [text];
  const room = columns - indent;
  if (!wrap) {
    if (text.length <= room) return [text];
    return [room < 1 ? "" : `${whole(text.slice(0, room - 1))}…`];
  }
  const width = Math.max(leastTextWidth, room);
  // A head wider than the line gets a line of its own.
  const rows: string[] = room < leastTextWidth ? [""] : [];
  for (let begin = 0; begin < text.length; ) {
    const row = whole(text.slice(begin, begin + width));
    rows.push(row);
    begin += row.length;
  }
  return rows.length === 0 ? [""] : rows;
}

/** Without the first half of a surrogate pair at its end. */
function whole(text: string): string {
  return text.length > 1 && /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}

/** `2026-02-16 09:30:01.123Z`, UTC, cut to milliseconds. */
function timeText(at: bigint): string {
  const date = new Date(Number(at / 1_000_000n));
  if (Number.isNaN(date.getTime())) return `${at}ns`;
  return date.toISOString().replace("T", " ");
}

/** What is shown after a line's facts: the node's own text, or its data. */
function messageOf({ human, text }: TracedLine): string {
  return human ?? dataText(text);
}

/** A line for programs: the node's own JSON with the node's name added in front; other lines as text. */
export function jsonLine(line: TracedLine): string {
  const { node, text, form, human } = line;
  const name = `{"node":${JSON.stringify(node)}`;
  if (form === "machine" && isObject(text)) {
    const members = text.trim().slice(1).trimStart();
    return `${visibleJson(`${name}${members === "}" ? "" : ","}${members}`)}\n`;
  }
  const { severity, namespace, host, thread } = line;
  const facts =
    form === "machine" ? {} : { at: isoTime(line.at), ns: namespace, sev: severity, thread, host };
  return `${visibleJson(`${name},${JSON.stringify({ ...facts, text: human ?? text }).slice(1)}`)}\n`;
}

function isoTime(at: bigint): string {
  const nanoseconds = String(((at % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, "0");
  const date = new Date(Number(at / 1_000_000n));
  return `${date.toISOString().slice(0, 19)}.${nanoseconds}Z`;
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
