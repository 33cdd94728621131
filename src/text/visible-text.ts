/**
 * What a terminal obeys instead of showing: C0 (except tab), DEL and C1 controls, line separators, and the marks that change
 * the direction of text (Unicode's Bidi_Control). A peer's text may contain any of them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what this is about
const obeyed = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with terminal controls escaped: ESC as `\x1b`, a line feed as `\x0a`, U+202E as `\u202e`. */
export function visibleText(text: string): string {
  return text.replace(obeyed, writtenOut);
}

/** The same for several lines: line feeds stay. */
export function visibleLines(text: string): string {
  return text.replace(obeyed, (character) => (character === "\n" ? character : writtenOut(character)));
}

/** JSON with the same characters escaped as JSON does, which keeps its meaning. It must have no line feeds outside of texts. */
export function visibleJson(json: string): string {
  return json.replace(obeyed, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function writtenOut(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
}
