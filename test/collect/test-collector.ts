import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Collector, startCollector } from "../../src/collect/start-collector.js";
import { parseConfig } from "../../src/config/load.js";
import { openLog } from "../../src/daemon/log/log.js";
import type { NewNames } from "../../src/nodes/new-names.js";

/** A collector in this process, with a directory that outlives it. */
export class CollectPlace implements AsyncDisposable {
  readonly directory: string;
  readonly #open: (() => Promise<void>)[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<CollectPlace> {
    return new CollectPlace(await mkdtemp(join(tmpdir(), "muninn-collect-")));
  }

  get logRoot(): string {
    return join(this.directory, "logs");
  }

  get config() {
    return {
      networkMagic: 1,
      network: { tag: "AcceptAt", contents: join(this.directory, "never.sock") },
      hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
      logging: ["ForMachine", "ForHuman"].map((logFormat) => ({
        logRoot: this.logRoot,
        logMode: "FileMode",
        logFormat,
      })),
    };
  }

  async start(
    url: string,
    options: { group?: string; fields?: object; newDirectories?: NewNames } = {},
  ): Promise<Collector> {
    const { group, fields, newDirectories } = options;
    const log = await openLog({ minSeverity: "Critical", fd: 2 });
    const { config } = await parseConfig(JSON.stringify({ ...this.config, ...fields }), "f");
    const collector = await startCollector(config, {
      servers: [url],
      stream: "TRACES",
      group,
      log,
      version: "0",
      ...(newDirectories !== undefined && { newDirectories }),
    });
    this.#open.push(async () => {
      await collector.stop();
      await log.stop({ deadlineMs: 100 });
    });
    return collector;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#open) await end();
    await rm(this.directory, { recursive: true, force: true });
  }
}
