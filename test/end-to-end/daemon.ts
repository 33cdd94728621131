import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The built program. */
export const program = fileURLToPath(new URL("../../dist/bin.cjs", import.meta.url));

/** A free port of this host. */
export async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** The fields that `Daemon.page` needs. */
export const pages = { hasPrometheus: { epHost: "127.0.0.1", epPort: 0 } };

/** A line of the daemon's own log. */
export interface LogLine {
  readonly event?: string;
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/** The built program, running with its own configuration. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #errors: string[] = [];
  readonly #watchers = new Set<() => void>();
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  #over = false;

  constructor(
    configFile: string,
    options: { flags?: readonly string[]; under?: readonly string[]; cwd: string },
  ) {
    const command = [
      ...(options.under ?? []),
      process.execPath,
      program,
      "run",
      "-c",
      configFile,
      ...(options.flags ?? []),
    ];
    this.#child = spawn(command[0]!, command.slice(1), {
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.#lines.push(JSON.parse(line));
      for (const watch of this.#watchers) watch();
    });
    createInterface({ input: this.#child.stderr! }).on("line", (line) => this.#errors.push(line));
    this.exited = once(this.#child, "close").then(([code, signal]) => {
      this.#over = true;
      for (const watch of this.#watchers) watch();
      return code ?? signal;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get log(): readonly LogLine[] {
    return this.#lines;
  }

  get stderr(): string {
    return this.#errors.join("\n");
  }

  /** Waits for a line of the log, past or future; fails if the daemon exits without it. */
  async logged(event: string, matches: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#lines.find((line) => line.event === event && matches(line));
        if (found !== undefined) resolve(found);
        else if (this.#over)
          reject(
            new Error(`the daemon ended without "${event}": ${this.stderr}${JSON.stringify(this.#lines)}`),
          );
        else return;
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Requests a page of its Prometheus endpoint; the configuration must have `pages`. */
  async page(path: string): Promise<Response> {
    const { served } = await this.logged("started");
    return fetch(`http://${(served as Record<string, string>).prometheus}${path}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Stops the daemon in an orderly way, by SIGTERM. */
  async stop(): Promise<number | NodeJS.Signals> {
    if (!this.#over) this.signal("SIGTERM");
    return this.exited;
  }

  async kill(): Promise<void> {
    if (!this.#over) this.signal("SIGKILL");
    await this.exited;
  }
}

/** A directory, a configuration in it, and the daemons started with that; all are gone at the end of the test. */
export class Workplace implements AsyncDisposable {
  readonly directory: string;
  readonly #daemons: Daemon[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<Workplace> {
    return new Workplace(await mkdtemp(join(tmpdir(), "muninn-")));
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  get socket(): string {
    return this.path("muninn.sock");
  }

  get logRoot(): string {
    return this.path("logs");
  }

  /** Starts a daemon that listens on the workplace's socket and writes below `logs`, unless `config` says otherwise. */
  async start(
    config: Record<string, unknown> = {},
    options: { flags?: readonly string[]; under?: readonly string[] } = {},
  ): Promise<Daemon> {
    const daemon = await this.launch(config, options);
    await daemon.logged("started");
    return daemon;
  }

  /** Like `start`, but does not wait until it has started. */
  async launch(
    config: Record<string, unknown> = {},
    options: { flags?: readonly string[]; under?: readonly string[] } = {},
  ): Promise<Daemon> {
    const file = this.path(`config-${this.#daemons.length}.json`);
    const whole = {
      networkMagic: 764_824_073,
      network: { tag: "AcceptAt", contents: this.socket },
      logging: [{ logRoot: this.logRoot, logMode: "FileMode", logFormat: "ForMachine" }],
      ...config,
    };
    await writeFile(file, JSON.stringify(whole));
    const daemon = new Daemon(file, { ...options, cwd: this.directory });
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Changes fields of the file that the first daemon reads. */
  async change(config: Record<string, unknown>): Promise<void> {
    const file = this.path("config-0.json");
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...config }));
  }

  /** The text of all files of a node in the order of their names, which is the order in which they were written. */
  async textOf(
    node: string,
    options: { extension?: "json" | "log"; logRoot?: string } = {},
  ): Promise<string> {
    const { extension = "json", logRoot = this.logRoot } = options;
    const directory = join(logRoot, node);
    const names = (await readdir(directory)).filter(
      (name) => name.startsWith("node-") && name.endsWith(`.${extension}`),
    );
    const texts = await Promise.all(names.sort().map((name) => readFile(join(directory, name), "utf8")));
    return texts.join("");
  }

  /** The lines of all files of a node; fails if the last one is unfinished. */
  async linesOf(
    node: string,
    options: { extension?: "json" | "log"; logRoot?: string } = {},
  ): Promise<string[]> {
    const lines = (await this.textOf(node, options)).split("\n");
    if (lines.pop() !== "") throw new Error(`the last line of ${node} has no end`);
    return lines;
  }

  /** Kills the daemons that are still running. */
  async stop(): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
