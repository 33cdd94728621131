import { expect, test } from "vitest";
import { terminalLines } from "../../../src/daemon/log/terminal-lines.js";

const line = (facts: object) =>
  terminalLines({ warning: 50 })(
    `${JSON.stringify({ level: "warning", time: "2026-02-16T09:30:01.000Z", ...facts })}\n`,
  );

test("a line for people has severity, message and facts, but not the name of the event", () => {
  const text = line({ event: "disk_full", free: 0, msg: "the disk is full" });
  expect(text).toMatch(/WARNING.*the disk is full.*"free":0/);
  expect(text).not.toContain("disk_full");
});

test.each([
  ["an escape sequence", "\u001b[2J", "\\x1b[2J"],
  ["a carriage return", "all is well\rreally", "all is well\\x0dreally"],
  [
    "a line feed, which would forge a line",
    "refused\n[09:30:01] NOTICE: all is well",
    "refused\\x0a[09:30:01]",
  ],
  ["a bell", "\u0007", "\\x07"],
  ["a C1 control", "\u009b2J", "\\x9b2J"],
  ["a mark that turns the direction", "\u202e", "\\u202e"],
  ["text that only looks like an escape", "\\u001b", "\\u001b"],
])("%s in a message or a fact is shown, not obeyed", (_, text, shown) => {
  expect(line({ msg: text })).toContain(shown);
  expect(line({ msg: "a", node: text })).toContain(shown);
});

test("the stack of an error keeps its lines", () => {
  const text = line({
    msg: "failed",
    err: { type: "TypeError", message: "x", stack: "TypeError: x\n    at y" },
  });
  expect(text).toMatch(/\n\s+at y/);
});
