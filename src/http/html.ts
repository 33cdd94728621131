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

  /** `title` is escaped here; `main` is HTML. */
  page(title: string, main: string): Answer {
    const script = this.#script === "" ? "" : `<script>${this.#script}</script>\n`;
    const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${this.#style}</style>
</head>
<body>
${main}
${script}</body>
</html>
`;
    return {
      status: 200,
      contentType: "text/html; charset=utf-8",
      body: html,
      headers: { "Content-Security-Policy": this.#policy },
    };
  }
}

function sourceOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
