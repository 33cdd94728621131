import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** The browser installed here, if any. */
const program = (process.env.PATH ?? "")
  .split(":")
  .flatMap((directory) => names.map((name) => join(directory, name)))
  .find((path) => existsSync(path));

/** Why tests in a browser cannot run here, if they cannot. */
export const browserMissing =
  program === undefined ? "chromium is not on PATH (Debian: chromium)" : undefined;

/** Headless, also for root and in a container, and without talking to anyone. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: program!,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface OpenPage {
  readonly page: Page;
  /** Exceptions, refused scripts, failed requests. */
  readonly complaints: readonly string[];
  readonly context: BrowserContext;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(url);
  return { page, complaints, context };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds wrong with a page: WCAG 2.1 A and AA, and its best practices. */
export function accessibilityFaults(page: Page): Promise<string[]> {
  // The page's policy blocks foreign scripts; this way in is the debugger's.
  return page.evaluate(
    `${axe}; axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary).join(" | ")))`,
  );
}

/** Pixels by which a page is wider than its window. */
export function surplusWidth(page: Page): Promise<number> {
  return page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)");
}
