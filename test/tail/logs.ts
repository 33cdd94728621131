import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach } from "vitest";
import { logFileName } from "../../src/log-files/log-file-names.js";
import type { TracedLine } from "../../src/tail/traced-line.js";

/** 2026-02-16T09:30:00Z */
export const begin = Date.UTC(2026, 1, 16, 9, 30) / 1_000;

/** A log root for each test. */
export function logRoot(): { readonly path: string } {
  const root = { path: "" };
  beforeEach(async () => {
    root.path = await mkdtemp(join(tmpdir(), "muninn-tail-"));
  });
  afterEach(async () => {
    await rm(root.path, { recursive: true });
  });
  return root;
}

/** A line of ForMachine, this many milliseconds after `begin`. */
export function machineText(ms: number, text: string, fields: { ns?: string; sev?: string } = {}): string {
  const at = new Date(begin * 1_000 + ms).toISOString();
  const { ns = "Net.Peer", sev = "Info" } = fields;
  return `{"at":"${at}","ns":"${ns}","data":{"text":${JSON.stringify(text)}},"sev":"${sev}","thread":"7","host":"h"}`;
}

/** Puts lines into the file created this many seconds after `begin`; compressed if its extension says so. */
export async function writeLog(
  root: string,
  node: string,
  second: number,
  lines: readonly string[],
  ending: "json" | "json.gz" | "log" | "log.gz" = "json",
): Promise<string> {
  const [extension = "", compressed] = ending.split(".");
  const directory = join(root, node);
  await mkdir(directory, { recursive: true });
  const path = join(
    directory,
    `${logFileName(begin + second, extension)}${compressed === undefined ? "" : ".gz"}`,
  );
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  await writeFile(path, compressed === undefined ? bytes : gzipSync(bytes));
  return path;
}

/** The texts of lines made by `machineText`. */
export function textsOf(lines: readonly TracedLine[]): string[] {
  return lines.map(({ text }) => (JSON.parse(text) as { data: { text: string } }).data.text);
}
