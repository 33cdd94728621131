import type { NodeIdentity } from "../nodes/identity.js";
import type { ReceivedBatch } from "../protocol/received-batch.js";
import type { HandleRegistry } from "../registry/handle-registry.js";
import { type HumanLayout, humanLines } from "../sinks/files/human-lines.js";
import type { Router } from "../sinks/router.js";
import type { Position } from "./position.js";
import { type CollectedLog, finishLines, logEnd } from "./unfinished-batch.js";

export interface BatchWriterOptions {
  readonly router: Router;
  readonly registry: HandleRegistry;
  /** Each once, by its real path. */
  readonly logs: readonly CollectedLog[];
  readonly humanLayout: HumanLayout;
}

/** A node whose directory is ours. */
export interface OpenNode {
  readonly node: NodeIdentity;
  close(): void;
}

/** A batch as it is in the stream. */
export interface BatchPlace {
  readonly sequence: number;
  readonly series: string;
  readonly first: number;
  readonly count: number;
}

/** Writes batches to the files, each once, whenever the process ends. */
export class BatchWriter {
  readonly #options: BatchWriterOptions;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** Claims the node's directory until `close`. @throws Error if another tracer writes there */
  async open(node: NodeIdentity): Promise<OpenNode> {
    const { registry, router } = this.#options;
    const claim = await registry.claim(node.directory);
    if (claim.state === "taken") {
      const { pid, identity } = claim.by;
      throw new Error(
        `process ${pid} (${identity ?? "of an unknown network"}) writes to ${node.directory} below ${claim.root}`,
      );
    }
    router.open(node);
    return {
      node,
      close: () => {
        router.close(node);
        claim.release();
      },
    };
  }

  /** Resolves with whether it is safe; it is not if Muninn stops meanwhile. */
  async write(
    node: NodeIdentity,
    batch: ReceivedBatch,
    place: BatchPlace,
    position: Position,
  ): Promise<boolean> {
    const { registry, router, logs } = this.#options;
    const ends = await Promise.all(logs.map((log) => logEnd(log, node.directory, registry)));
    await position.begin({ ...place, ends });
    if (!(await router.write(node, batch))) return false;
    position.end();
    return true;
  }

  /** Completes the batch that was being written when an earlier process was killed. */
  async finish(node: NodeIdentity, batch: ReceivedBatch, position: Position): Promise<void> {
    const { registry, humanLayout } = this.#options;
    for (const end of position.written.underWay!.ends) {
      const lines = end.extension === "json" ? batch.machineLines() : humanLines(batch, humanLayout);
      await finishLines(end, node.directory, lines, registry);
    }
    position.end();
  }
}
