import { type ChildProcess, spawn } from "node:child_process";

/** How long a program may take to exit after SIGTERM before it is killed. */
const patienceMs = 6_000;
/** How much of a program's output is kept, to show it if the program fails. */
const keptOutput = 4_000;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A daemon has no such variable, and Node reads the certificates in it at every start, which takes 40 ms. */
const { NODE_EXTRA_CA_CERTS: _, ...ownEnvironment } = process.env;

/** Whatever ends the benchmark ends the programs it started. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A program being measured; whoever started it stops it. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  /** Resolves when it has exited, or failed to start. */
  readonly ended: Promise<void>;
  #output = "";

  constructor(program: Program, options: { ipc?: boolean } = {}) {
    this.process = spawn(program.command, program.args, {
      stdio: ["ignore", "pipe", "pipe", ...(options.ipc === true ? (["ipc"] as const) : [])],
      env: { ...ownEnvironment, ...program.env },
    });
    running.add(this.process);
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString("utf8")).slice(-keptOutput);
    };
    this.process.stdout?.on("data", keep);
    this.process.stderr?.on("data", keep);
    this.ended = new Promise<void>((resolve) => {
      this.process.once("exit", () => resolve());
      this.process.once("error", (error) => {
        this.#output += error.message;
        resolve();
      });
    }).then(() => {
      running.delete(this.process);
    });
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error(`${this.process.spawnfile} did not start: ${this.#output}`);
    return pid;
  }

  /** The end of its output on stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  /** Stops it in an orderly way, by force if that takes too long. Idempotent; waits. */
  async stop(): Promise<void> {
    const { process: child } = this;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
