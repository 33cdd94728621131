import type { TraceBatch } from "../../protocol/trace-batch.js";
import { visibleBytes } from "../../text/visible-bytes.js";
import { mayHoldControls, visibleText } from "../../text/visible-text.js";

/** How ForHuman lines look: `console` as on a node's own console, with time and severity; `text` the bare text. */
export type HumanLayout = "console" | "text";

const lineFeed = 0x0a;

/**
 * The objects of a batch for people: `toHuman`, or `toMachine` if the node sent none. Human text keeps its
 * lines, continuation lines are indented by two spaces; a line feed inside `toMachine` becomes a space.
 */
export function humanLines(batch: TraceBatch, layout: HumanLayout): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let index = 0; index < batch.length; index += 1) {
    if (layout === "console") parts.push(Buffer.from(header(batch, index), "utf8"));
    const human = batch.human(index);
    if (human === undefined) parts.push(shown(batch.machine(index), space, layout));
    else parts.push(shown(human, indented, layout));
    parts.push(newline);
  }
  return Buffer.concat(parts);
}

const newline = Buffer.from("\n");
const space = Buffer.from(" ");
const indented = Buffer.from("\n  ");

/** `[2024-04-08 13:46:26.5169Z][host:ChainDB.AddBlockEvent](Info,31) `, as nodes print it. */
function header(batch: TraceBatch, index: number): string {
  const time = consoleTime(batch.timestamp(index));
  const host = oneLine(batch.host(index));
  const namespace = oneLine(batch.namespace(index));
  return `[${time}][${host}:${namespace}](${batch.severity(index)},${oneLine(batch.thread(index))}) `;
}

/** Nanoseconds since 1970 as `2024-04-08 13:46:26.5169Z`: four digits, cut, not rounded. */
function consoleTime(nanoseconds: bigint): string {
  const tenthsOfMs = nanoseconds / 100_000n - (nanoseconds % 100_000n < 0n ? 1n : 0n);
  const milliseconds = tenthsOfMs / 10n - (tenthsOfMs % 10n < 0n ? 1n : 0n);
  const date = new Date(Number(milliseconds));
  // Years beyond 275760 are legal on the wire but not supported by Date.
  if (Number.isNaN(date.getTime())) return `${nanoseconds}ns`;
  return `${date.toISOString().replace("T", " ").slice(0, -1)}${tenthsOfMs - milliseconds * 10n}Z`;
}

function oneLine(text: string): string {
  return visibleText(text.includes("\n") ? text.replaceAll("\n", " ") : text);
}

/** On a console nothing that a peer may have put into the text controls it. */
function shown(text: Uint8Array, lineFeeds: Uint8Array, layout: HumanLayout): Uint8Array {
  const escapes = layout === "console" && mayHoldControls(text);
  return escapes || text.includes(lineFeed) ? visibleBytes(text, { lineFeed: lineFeeds, escapes }) : text;
}
