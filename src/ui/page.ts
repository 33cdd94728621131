import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Answer } from "../http/answer.js";

/** Set when the program is packed (rolldown.config.ts). */
declare const packedPage: string | undefined;

/** The one file that the browser loads, as it was built from `web/`. */
function pageText(): string {
  if (typeof packedPage === "string") return packedPage;
  const root = dirname(createRequire(import.meta.url).resolve("muninn/package.json"));
  return readFileSync(join(root, "dist/page.html"), "utf8");
}

/** The page; its policy allows the style and the script that it was built with, by their hash, and nothing else. */
export function openPage(): () => Answer {
  const body = pageText();
  const policy = [
    "default-src 'none'",
    `style-src ${sourcesOf(body, "style")}`,
    `script-src ${sourcesOf(body, "script")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  const answer: Answer = {
    status: 200,
    contentType: "text/html; charset=utf-8",
    body,
    headers: { "Content-Security-Policy": policy },
  };
  return () => answer;
}

function sourcesOf(html: string, tag: "style" | "script"): string {
  const texts = [...html.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "gs"))].map(([, text]) => text!);
  return texts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`).join(" ");
}
