import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { eventually } from "../../../src/testing/eventually.js";

const program = "/lib/systemd/systemd-journald";

/** Why journald cannot run here. */
export const missingJournald =
  process.getuid?.() !== 0
    ? "only root has mount namespaces"
    : !existsSync(program)
      ? `${program} is absent (Debian: systemd)`
      : spawnSync("unshare", ["--mount", "true"]).status === 0
        ? undefined
        : "unshare --mount is not allowed here";

/**
 * Holds the socket as systemd does, and starts journald again whenever it exits, with the socket as file descriptor 3. Prints
 * the process number of each journald.
 */
const holder = `
use Socket; use POSIX; $| = 1; $^F = 10;
socket(S, AF_UNIX, SOCK_DGRAM, 0) or die; bind(S, pack_sockaddr_un("/run/systemd/journal/socket")) or die;
POSIX::dup2(fileno(S), 3);
while (1) {
  my $pid = fork;
  if (!$pid) { $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; exec "${program}" }
  print "$pid\n"; waitpid($pid, 0);
}`;

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
  #pid: number | undefined;
  /** How often it was started by its holder. */
  starts = 0;

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

  /** Its `/run`. */
  get run(): string {
    return join(this.#directory, "run");
  }

  get socketPath(): string {
    return join(this.run, "systemd/journal/socket");
  }

  /** Starts it with a socket of its own; resolves when that exists. */
  async start(): Promise<void> {
    await rm(this.socketPath, { force: true });
    this.#child = this.#spawn(`exec ${program}`);
    this.#pid = this.#child.pid!;
    await this.#bound();
  }

  /** Starts it with a socket that outlives it; whenever it exits, it is started again. */
  async startHeld(): Promise<void> {
    this.#child = this.#spawn(`exec perl -e '${holder}'`);
    createInterface({ input: this.#child.stdout! }).on("line", (pid) => {
      this.#pid = Number(pid);
      this.starts += 1;
    });
    await this.#bound();
    await eventually(() => expect(this.starts).toBe(1));
  }

  /** Resolves when it has exited or, if its socket is held, has been started again. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const { starts } = this;
    process.kill(this.#pid!, signal);
    if (starts === 0) await once(this.#child!, "exit");
    else await eventually(() => expect(this.starts).toBe(starts + 1));
  }

  #spawn(command: string): ChildProcess {
    const script = `mount --bind "$0/run" /run && mount --bind "$0/log" /var/log && ${command}`;
    return spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, this.#directory], {
      stdio: ["ignore", "pipe", "ignore"],
    });
  }

  async #bound(): Promise<void> {
    await eventually(() => expect(existsSync(this.socketPath)).toBe(true));
  }

  /** All entries of a node, in order. */
  async entriesOf(node: string): Promise<ReadEntry[]> {
    const directory = join(this.run, "log/journal");
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
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
      // If its socket is held, journald survives its holder.
      if (this.starts > 0) process.kill(this.#pid!, "SIGKILL");
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
