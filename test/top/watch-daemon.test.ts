import { expect, test, vi } from "vitest";
import { TailError } from "../../src/tail/tail-error.js";
import type { Reading } from "../../src/top/reading.js";
import { watchDaemon } from "../../src/top/watch-daemon.js";

/** What was drawn, and how a key is pressed. */
const screen = vi.hoisted(() => ({ pages: [] as string[][], press: (_key: string): void => {} }));
vi.mock("../../src/top/terminal.js", () => ({
  Terminal: class {
    readonly columns = 200;
    readonly rows = 24;
    constructor(onKey: (key: string) => void) {
      screen.press = onKey;
    }
    onResize(): void {}
    draw(lines: string[]): void {
      screen.pages.push(lines);
    }
    [Symbol.dispose](): void {}
  },
}));

const reading: Reading = {
  at: 0,
  version: "1",
  startedAt: 0,
  nodes: [],
  sinks: new Map(),
  health: { status: "ok", checks: [] },
};

test("while the daemon is away its last state stays with a note, which goes when it is back", async () => {
  const answers = [new TailError("no-daemon", "nobody there"), undefined];
  const ask = async () => {
    const error = answers.shift();
    if (error !== undefined) throw error;
    return reading;
  };
  const watching = watchDaemon(ask, reading, false);
  const foot = () => screen.pages.at(-1)!.at(-1);
  await vi.waitFor(() => expect(foot()).toBe("nobody there; retrying"), { timeout: 20_000 });
  expect(screen.pages.at(-1)![0]).toContain("Muninn 1");
  await vi.waitFor(() => expect(foot()).toContain("q: quit"), { timeout: 20_000 });
  screen.press("q");
  await watching;
});
