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

/** A page whose style and script are constants of ours: the policy allows these two texts, by their hash, and nothing else. */
export class PageTemplate {
  readonly #style: string;
  readonly #script: string;
  readonly #policy: string;

  constructor(parts: { style: string; script?: string }) {
    this.#style = parts.style;
    this.#script = parts.script ?? "";
    this.#policy = [
      "default-src 'none'",
      `style-src ${sourceOf(this.#style)}`,
      ...(this.#script === "" ? [] : [`script-src ${sourceOf(this.#script)}`, "connect-src 'self'"]),
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; ");
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
    const script = this.#script === "" ? "" : `<script>${this.#script}</script>\n`;
    yield `\n${script}</body>\n</html>\n`;
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

  /** A small page at once. */
  page(title: string, main: string): Answer {
    return this.answer([...this.pieces(title, [main])].join(""));
  }
}

function sourceOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
