import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Answer, busyAnswer } from "./answer.js";
import type { EndpointRequest } from "./endpoint-options.js";
import { contentPolicy, escapeHtml, hashSource } from "./html.js";

/** Set when the program is packed (rolldown.config.ts). */
declare const packedPage: string | undefined;

/** The parts of the page that depend on where it is served. */
interface PageTexts {
  readonly title: string;
  /** The node whose metrics it shows; without one it shows the tracer. */
  readonly ekgNode?: string;
  /** HTML shown if scripts do not run. */
  readonly withoutScript: string;
}

let built: { readonly html: string; readonly policy: string } | undefined;

/**
 * The single file that browsers load, built from `web/`; it is read at the first request. Its policy allows the style and
 * the script that it was built with, by their hashes, and nothing else.
 */
export async function builtPage(
  { gzip, bodies }: EndpointRequest,
  { title, ekgNode, withoutScript }: PageTexts,
): Promise<Answer> {
  built ??= read();
  const { html, policy } = built;
  // Made once for all who ask for it at the same time: to compress it takes some milliseconds.
  const body = await bodies.get({
    key: `page ${title}`,
    version: 0,
    gzip,
    make: () => {
      const texts: Readonly<Record<string, string>> = {
        title: escapeHtml(title),
        node: ekgNode === undefined ? "" : `<meta name="ekg-node" content="${escapeHtml(ekgNode)}">`,
        withoutScript,
      };
      const page = html.replace(/<!--(title|node|withoutScript)-->/g, (_, name: string) => texts[name]!);
      return { bytes: 2 * page.length, pieces: () => [page].values() };
    },
  });
  if (body === undefined) return busyAnswer();
  return {
    status: 200,
    contentType: "text/html; charset=utf-8",
    body,
    headers: { "Content-Security-Policy": policy },
  };
}

function read(): { html: string; policy: string } {
  const html = pageText();
  const policy = contentPolicy(
    `style-src ${sourcesOf(html, "style")}`,
    `script-src ${sourcesOf(html, "script")}`,
    "connect-src 'self'",
    "img-src data:",
  );
  return { html, policy };
}

function pageText(): string {
  if (typeof packedPage === "string") return packedPage;
  const root = dirname(createRequire(import.meta.url).resolve("muninn/package.json"));
  return readFileSync(join(root, "dist/page.html"), "utf8");
}

function sourcesOf(html: string, tag: "style" | "script"): string {
  const texts = [...html.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "gs"))].map(([, text]) => text!);
  return texts.map(hashSource).join(" ");
}
