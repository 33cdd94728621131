import pinoPretty from "pino-pretty";
import { visibleLines, visibleText } from "../../text/visible-text.js";

/** Formats lines of the log for people at a terminal. */
export function terminalLines(levels: Readonly<Record<string, number>>): (line: string) => string {
  const pretty = pinoPretty.prettyFactory({
    customLevels: levels,
    customColors:
      "debug:gray,info:green,notice:cyan,warning:yellow,error:red,critical:red,alert:magenta,emergency:magenta",
    ignore: "event",
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
  });
  // A message may quote a peer; only the stack of an error is on its own lines.
  return (line) =>
    pretty(JSON.parse(line, (key, value) => (typeof value === "string" ? shown(key, value) : value)));
}

function shown(key: string, text: string): string {
  return key === "stack" ? visibleLines(text) : visibleText(text);
}
