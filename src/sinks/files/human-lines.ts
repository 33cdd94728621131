import type { Moment, TraceBatch } from "../../protocol/trace-batch.js";
import { VisibleBytes } from "../../text/visible-bytes.js";
import { visibleText } from "../../text/visible-text.js";
import { AssembledText } from "./assembled-text.js";

/** How ForHuman lines look: `console` as on a node's own console, with time and severity; `text` the bare text. */
export type HumanLayout = "console" | "text";

/** Controls and line feeds of a batch that are replaced as said; real objects have a few lines at most. */
const mostReplaced = 65_536;
/** Bytes of UTF-8 that a character of a string may become. */
const bytesOfCharacter = 3;

/**
 * The objects of a batch for people: `toHuman`, or `toMachine` if the node sent none. Human text keeps its
 * lines, continuation lines are indented by two spaces; a line feed inside `toMachine` becomes a space. On a console nothing
 * that a peer may have put into a text controls it.
 */
export function humanLines(batch: TraceBatch, layout: HumanLayout): Uint8Array {
  const lines = new AssembledText();
  const visible = new VisibleBytes({ escapes: layout === "console", most: mostReplaced });
  for (let index = 0; index < batch.length; index += 1) {
    if (layout === "console") {
      const text = header(batch, index);
      const bytes = lines.withRoom(bytesOfCharacter * text.length);
      lines.end += bytes.write(text, lines.end);
    }
    const human = batch.human(index);
    const text = human ?? batch.machine(index);
    const bytes = lines.withRoom(visible.mostBytes(text.length) + 1);
    const end = visible.write(text, human === undefined ? space : indented, bytes, lines.end);
    bytes[end] = lineFeed;
    lines.end = end + 1;
  }
  return lines.take();
}

const lineFeed = 0x0a;
const space = Buffer.from(" ");
const indented = Buffer.from("\n  ");

/** `[2024-04-08 13:46:26.5169Z][host:ChainDB.AddBlockEvent](Info,31) `, as nodes print it. */
function header(batch: TraceBatch, index: number): string {
  const words = `${batch.host(index)}:${batch.namespace(index)}](${batch.severity(index)},${batch.thread(index)}`;
  const line = words.includes("\n") ? words.replaceAll("\n", " ") : words;
  return `[${consoleTime(batch.moment(index))}][${visibleText(line)}) `;
}

/** The last second, whose text many objects share; there is none for years beyond 275760, which are legal on the wire. */
const second: { seconds: number; text: string | undefined } = { seconds: Number.NaN, text: undefined };

/** `2024-04-08 13:46:26.5169Z`: four digits, cut, not rounded. */
function consoleTime({ seconds, picoseconds }: Moment): string {
  if (seconds !== second.seconds) {
    const date = new Date(seconds * 1_000);
    second.seconds = seconds;
    second.text = Number.isNaN(date.getTime())
      ? undefined
      : date.toISOString().slice(0, -5).replace("T", " ");
  }
  if (second.text === undefined) return `${seconds}s`;
  const tenthsOfMs = 10_000 + Math.floor(picoseconds / 100_000_000);
  return `${second.text}.${`${tenthsOfMs}`.slice(1)}Z`;
}
