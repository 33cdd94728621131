import { type ChildProcess, spawn } from "node:child_process";

/** How long a program may take to end after SIGTERM before it is killed. */
const patienceMs = 6_000;
/** How much of what a program says is kept to show where it fails. */
const keptOutput = 4_000;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A daemon has no such variable, and Node reads the certificates it names at every start: 40 ms. */
const { NODE_EXTRA_CA_CERTS: _, ...ownEnvironment } = process.env;

/** Whatever ends the benchmark ends what it started. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A program under measurement; whoever started it stops it. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  /** Resolves when it is gone, or did not even start. */
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

  /** The end of what it said, on stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  /** Ends it in order, by force where that takes too long. Idempotent; waits. */
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
