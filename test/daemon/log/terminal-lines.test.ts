import { expect, test } from "vitest";
import { terminalLines } from "../../../src/daemon/log/terminal-lines.js";

const line = (facts: object) =>
  terminalLines({ warning: 50 })(
    `${JSON.stringify({ level: "warning", time: "2026-02-16T09:30:01.000Z", ...facts })}\n`,
  );

test("a line for people has severity, message and facts, but not the event's name", () => {
  const text = line({ event: "disk_full", free: 0, msg: "the disk is full" });
  expect(text).toMatch(/WARNING.*the disk is full.*"free":0/);
  expect(text).not.toContain("disk_full");
});

test.each([
  ["an escape sequence", "\u001b[2J", "\\u001b[2J"],
  ["a carriage return", "all is well\rreally", "all is well\\rreally"],
  ["a bell", "\u0007", "\\u0007"],
  ["a C1 control", "\u009b2J", "\\u009b2J"],
  ["text that only looks like an escape", "\\u001b", "\\u001b"],
])("%s in a message is shown, not obeyed", (_, msg, shown) => {
  expect(line({ msg })).toContain(shown);
});
