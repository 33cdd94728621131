import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import type { HandleRegistry, LogId } from "../../registry/handle-registry.js";
import type { Sink, SinkHealth } from "../sink.js";
import { type HumanLayout, humanLines } from "./human-lines.js";

export interface FileSinkOptions {
  /** Absolute. */
  readonly logRoot: string;
  readonly format: "ForMachine" | "ForHuman";
  readonly humanLayout: HumanLayout;
  /** Shared with other sinks; its owner stops it. */
  readonly registry: HandleRegistry;
}

/** One `logging` section: a file for each node below `logRoot`. */
export class FileSink implements Sink {
  readonly name: string;
  readonly required = true;
  readonly #options: FileSinkOptions;
  readonly #startedAt = Date.now();

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.name = `file:${options.format}:${options.logRoot}`;
  }

  open(node: NodeIdentity): void {
    this.#options.registry.acquire(this.#log(node));
  }

  async write(node: NodeIdentity, batch: TraceBatch): Promise<void> {
    const { format, humanLayout, registry } = this.#options;
    const lines = format === "ForMachine" ? batch.machineLines() : humanLines(batch, humanLayout);
    await registry.append(this.#log(node), lines);
  }

  async drained(node: NodeIdentity): Promise<void> {
    await this.#options.registry.drained(this.#log(node));
  }

  close(node: NodeIdentity): void {
    this.#options.registry.release(this.#log(node));
  }

  health(): SinkHealth {
    const fault = this.#options.registry.faults().find(({ log }) => this.#owns(log));
    if (fault === undefined) return { state: "ok", since: this.#startedAt };
    return {
      state: "failing",
      since: fault.since,
      reason: `${fault.operation} ${fault.path}: ${fault.error.message}`,
    };
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
