import { setTimeout as sleep } from "node:timers/promises";
import { visibleText } from "../text/visible-text.js";
import { overviewLines, type SortColumn, sortKeys } from "./overview-text.js";
import type { Reading } from "./reading.js";
import { Terminal } from "./terminal.js";

const everyMs = 1_000;
const pageRows = 10;
const help = "n r t o m d: sort by name, lines/s, lines, dropped …; again: reverse; arrows: scroll; q: quit";

const quitKeys: ReadonlySet<string> = new Set(["q", "Q", "\x03", "\x04"]);
const scrollKeys: ReadonlyMap<string, number> = new Map([
  ["\x1b[A", -1],
  ["\x1b[B", 1],
  ["\x1b[5~", -pageRows],
  ["\x1b[6~", pageRows],
  ["k", -1],
  ["j", 1],
]);

/**
 * Shows the overview on a terminal, once a second, until the user quits. While the daemon is away, the last state stays,
 * with a note.
 */
export async function watchDaemon(
  ask: () => Promise<Reading>,
  first: Reading,
  colours: boolean,
): Promise<void> {
  const quit = new AbortController();
  let sort: SortColumn = "name";
  let isReversed = false;
  let skipped = 0;
  let reading = first;
  let earlier: Reading | undefined;
  let trouble = "";

  using terminal = new Terminal((key) => {
    const column = sortKeys[key as keyof typeof sortKeys];
    if (quitKeys.has(key)) quit.abort();
    else if (column !== undefined) {
      isReversed = column === sort && !isReversed;
      sort = column;
    } else skipped = Math.max(0, Math.min(reading.nodes.length, skipped + (scrollKeys.get(key) ?? 0)));
    if (!quit.signal.aborted) draw();
  });
  terminal.onResize(draw);

  function draw(): void {
    const { columns, rows } = terminal;
    const room = rows === undefined ? undefined : Math.max(1, rows - 1);
    const style = { sort, isReversed, skipped, colours, columns, rows: room, now: Date.now() };
    const foot = trouble === "" ? help : trouble;
    terminal.draw([...overviewLines(reading, earlier, style), visibleText(foot).slice(0, columns)]);
  }

  while (!quit.signal.aborted) {
    draw();
    try {
      await sleep(everyMs, undefined, { signal: quit.signal });
      const next = await ask();
      earlier = reading;
      reading = next;
      trouble = "";
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name === "AbortError") return;
      if (error.name !== "TailError") throw error;
      trouble = `${error.message}; retrying`;
    }
  }
}
