import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../src/testing/eventually.js";

const program = "/lib/systemd/systemd-journald";

/** Why no journald can be run here. */
export const missingJournald =
  process.getuid?.() !== 0
    ? "only root has mount namespaces"
    : !existsSync(program)
      ? `${program} is absent (Debian: systemd)`
      : spawnSync("unshare", ["--mount", "true"]).status === 0
        ? undefined
        : "unshare --mount is not allowed here";

/** Who is given journald's socket, as systemd gives it: file descriptor 3. */
export type HeldSocket = number | undefined;

/** The fields that Muninn writes, as journalctl reads them. */
export interface ReadEntry {
  readonly SYSLOG_IDENTIFIER: string;
  readonly MESSAGE: string;
  readonly PRIORITY: string;
  readonly NAMESPACE: string;
  readonly THREAD: string;
  readonly TIME: string;
  readonly [field: string]: unknown;
}

/** A real journald, alone in a mount namespace, with its own `/run` and `/var/log`. */
export class OwnJournald implements AsyncDisposable {
  readonly #directory: string;
  #child: ChildProcess | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(): Promise<OwnJournald> {
    const directory = await mkdtemp(join(tmpdir(), "muninn-journald-"));
    const journald = new OwnJournald(directory);
    const run = join(directory, "run");
    for (const inside of ["systemd/journal", "log/journal", "systemd/journald.conf.d"])
      await mkdir(join(run, inside), { recursive: true });
    await mkdir(join(directory, "log"));
    await writeFile(
      join(run, "systemd/journald.conf.d/muninn.conf"),
      "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nRuntimeMaxUse=2G\nRuntimeKeepFree=1M\nReadKMsg=no\nAudit=no\nForwardToWall=no\n",
    );
    return journald;
  }

  get socketPath(): string {
    return join(this.#directory, "run/systemd/journal/socket");
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Resolves when its socket is there; with a held one it is from the beginning. */
  async start(held?: HeldSocket): Promise<void> {
    if (held === undefined) await rm(this.socketPath, { force: true });
    const handOver = held === undefined ? "" : "export LISTEN_FDS=1 LISTEN_PID=$$; ";
    const script =
      `mount --bind '${this.#directory}/run' /run && mount --bind '${this.#directory}/log' /var/log && ` +
      `${handOver}exec ${program}`;
    this.#child = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script], {
      stdio: ["ignore", "ignore", "ignore", ...(held === undefined ? [] : [held])],
    });
    await eventually(() => {
      if (!existsSync(this.socketPath)) throw new Error("journald has no socket yet");
    });
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  /** A signal that does not end it. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child!.kill(signal);
  }

  /** All entries of a node, in their order. */
  async entriesOf(node: string): Promise<ReadEntry[]> {
    const directory = join(this.#directory, "run/log/journal");
    const machine = (await readdir(directory))[0];
    if (machine === undefined) return [];
    const { stdout, status, stderr } = spawnSync(
      "journalctl",
      ["-D", directory, "-q", "--all", "-o", "json", `SYSLOG_IDENTIFIER=${node}`],
      { encoding: "utf8", maxBuffer: 2 ** 30 },
    );
    if (status !== 0 && stdout === "" && stderr !== "") throw new Error(stderr);
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    await rm(this.#directory, { recursive: true, force: true });
  }
}
