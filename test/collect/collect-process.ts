import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { program } from "../end-to-end/daemon.js";
import type { CollectPlace } from "./test-collector.js";

/** The built program as a collector, which can be killed. */
export class CollectProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly exited: Promise<number | NodeJS.Signals>;

  constructor(
    place: CollectPlace,
    urls: readonly string[],
    options: { group?: string; fields?: object; environment?: Readonly<Record<string, string>> } = {},
  ) {
    const file = join(place.directory, "config.json");
    writeFileSync(file, JSON.stringify({ ...place.config, ...options.fields }));
    const group = options.group === undefined ? [] : ["--group", options.group];
    const from = urls.flatMap((url) => ["--from", url]);
    this.#child = spawn(
      process.execPath,
      [program, "collect", "-c", file, ...from, "--stream", "TRACES", ...group],
      { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...options.environment } },
    );
    this.#child.stdout!.on("data", (chunk: Buffer) => this.#lines.push(chunk.toString("utf8")));
    this.exited = once(this.#child, "close").then(([code, signal]) => code ?? signal);
  }

  get log(): string {
    return this.#lines.join("");
  }

  /** @default in order */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    return this.exited;
  }
}

/** The verdict of `muninn verify` on collected files: its exit code and its output. */
export function verified(
  sent: string,
  logs: string,
): { readonly code: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, "verify", "--sent", sent, "--logs", logs],
    { encoding: "utf8" },
  );
  return { code: status, text: stdout + stderr };
}
