import pinoPretty from "pino-pretty";

/** Gives lines of the log the form in which people read them on a terminal. */
export function terminalLines(levels: Readonly<Record<string, number>>): (line: string) => string {
  const pretty = pinoPretty.prettyFactory({
    customLevels: levels,
    customColors:
      "debug:gray,info:green,notice:cyan,warning:yellow,error:red,critical:red,alert:magenta,emergency:magenta",
    ignore: "event",
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
  });
  return (line) => pretty(withoutControl(line));
}

/** Shows control characters, line feed and tab aside, instead of obeying them: a message may quote a peer. */
function withoutControl(json: string): string {
  return json
    .replace(/\\(u00[01][0-9a-f]|.)/gi, (pair, code: string) =>
      code.length > 1 || "bfr".includes(code) ? `\\\\${code}` : pair,
    )
    .replace(/[\u007f-\u009f]/g, (character) => `\\\\u00${character.charCodeAt(0).toString(16)}`);
}
