import { createHash } from "node:crypto";
import type { Answer } from "./answer.js";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Makes any text, such as a node's name, safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** A Content-Security-Policy that forbids everything except these directives. */
export function contentPolicy(...directives: readonly string[]): string {
  return [
    "default-src 'none'",
    ...directives,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** The policy source for an inline script or style: its hash. */
export function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** A page without a script and with a constant style: the policy allows that style and nothing else. */
export class PageTemplate {
  readonly #style: string;
  readonly #policy: string;

  constructor(style: string) {
    this.#style = style;
    this.#policy = contentPolicy(`style-src ${hashSource(style)}`);
  }

  /** The whole page in pieces; `title` is escaped here, `main` is HTML. */
  *pieces(title: string, main: Iterable<string>): Generator<string> {
    yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${this.#style}</style>
</head>
<body>
`;
    yield* main;
    yield "\n</body>\n</html>\n";
  }

  /** The answer with a page made from `pieces`. */
  answer(body: Answer["body"]): Answer {
    return {
      status: 200,
      contentType: "text/html; charset=utf-8",
      body,
      headers: { "Content-Security-Policy": this.#policy },
    };
  }

  /** The answer with a small page. */
  page(title: string, main: string): Answer {
    return this.answer([...this.pieces(title, [main])].join(""));
  }
}
