import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import { type HandleRegistry, type LogId, RegistryStopped } from "../../registry/handle-registry.js";
import { type RequiredSink, SinkError, type SinkHealth } from "../sink.js";
import { type HumanLayout, humanLines } from "./human-lines.js";

export interface FileSinkOptions {
  /** Absolute. */
  readonly logRoot: string;
  readonly format: "ForMachine" | "ForHuman";
  readonly humanLayout: HumanLayout;
  /** Shared with other sinks; its owner stops it, which ends unfinished writes. */
  readonly registry: HandleRegistry;
}

/** One `logging` section: a file for each node below `logRoot`. */
export class FileSink implements RequiredSink {
  readonly kind = "required";
  readonly whenStuck =
    "Check the disk or the network mount. Nothing is lost: writing continues when it answers.";
  readonly name: string;
  readonly #options: FileSinkOptions;
  readonly #startedAt = Date.now();

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.name = `file:${options.format}:${options.logRoot}`;
  }

  open(node: NodeIdentity): void {
    this.#options.registry.acquire(this.#log(node));
  }

  async write(node: NodeIdentity, batch: TraceBatch): Promise<undefined> {
    const { format, humanLayout, registry } = this.#options;
    const lines = format === "ForMachine" ? batch.machineLines() : humanLines(batch, humanLayout);
    try {
      await registry.append(this.#log(node), lines);
    } catch (cause) {
      throw cause instanceof RegistryStopped ? new SinkError("stopped", { cause }) : cause;
    }
  }

  async drained(node: NodeIdentity): Promise<void> {
    await this.#options.registry.drained(this.#log(node));
  }

  close(node: NodeIdentity): void {
    this.#options.registry.release(this.#log(node));
  }

  health(): SinkHealth {
    const faults = this.#options.registry.faults().filter(({ log }) => this.#owns(log));
    const fault = faults.find(({ severity }) => severity === "failing") ?? faults[0];
    if (fault === undefined) return { state: "ok", since: this.#startedAt };
    if (fault.severity === "degraded") {
      return {
        state: "degraded",
        since: fault.since,
        reason: `no new file for ${fault.log.directory}: ${fault.operation} ${fault.path}: ${fault.error.message}`,
        action:
          "Fix the cause: free inodes or space, raise the quota, restore the permissions. Nothing is lost: lines continue in " +
          "the full file, and creating a new one is retried each second.",
      };
    }
    return {
      state: "failing",
      since: fault.since,
      reason: `${fault.operation} ${fault.path}: ${fault.error.message}`,
      action:
        "Fix the cause: free space on the disk, restore the directory or its permissions. Nothing is lost: batches are " +
        "kept, their nodes are not asked for more, and writing is retried at least every 2 s.",
    };
  }

  async stop(): Promise<void> {
    // The registry's owner ends unfinished writes.
  }

  #owns(log: LogId): boolean {
    return log.root === this.#options.logRoot && log.extension === this.#extension;
  }

  get #extension(): LogId["extension"] {
    return this.#options.format === "ForMachine" ? "json" : "log";
  }

  #log(node: NodeIdentity): LogId {
    return { root: this.#options.logRoot, directory: node.directory, extension: this.#extension };
  }
}
