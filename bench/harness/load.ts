import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Child } from "./child.js";
import type { LoadCommand, LoadPlan, LoadReport } from "./load-plan.js";

/** What a load consists of: nodes with trace objects, or a program that writes lines. */
export type LoadKind = keyof typeof programs;

const programs = { objects: "../peers/nodes.js", lines: "../peers/lines.js" } as const;

/** The senders of one run, in a process of their own. */
export class Load implements AsyncDisposable {
  readonly plan: LoadPlan;
  readonly #child: Child;

  /** Starts to connect the nodes. */
  constructor(plan: LoadPlan, kind: LoadKind) {
    this.plan = plan;
    const program = fileURLToPath(new URL(programs[kind], import.meta.url));
    this.#child = new Child(
      { command: process.execPath, args: [program, JSON.stringify(plan)] },
      { ipc: true },
    );
  }

  /** Resolves when the tracer has asked every node for objects. */
  async ready(): Promise<void> {
    await this.#next("ready");
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Has every node send this many replies; resolves when each has sent all, with how many requests at most had waited at a
   * node before.
   */
  async give(replies: number): Promise<number> {
    this.#child.process.send({ replies } satisfies LoadCommand);
    return (await this.#next("sent")).requestsWaiting;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #next<Kind extends LoadReport["kind"]>(kind: Kind): Promise<Extract<LoadReport, { kind: Kind }>> {
    const gone = this.#child.ended.then(() =>
      Promise.reject(new Error(`the load ended: ${this.#child.output}`)),
    );
    const [report] = (await Promise.race([once(this.#child.process, "message"), gone])) as [LoadReport];
    if (report.kind === "failed") throw new Error(`the load failed: ${report.reason}`);
    if (report.kind !== kind) throw new Error(`the load said ${report.kind} instead of ${kind}`);
    return report as Extract<LoadReport, { kind: Kind }>;
  }
}
