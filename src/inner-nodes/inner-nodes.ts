import type { TraceDestination } from "../nodes/sessions.js";
import type { RunConnection } from "../transport/connection.js";
import { InnerNode, type InnerNodeOptions } from "./inner-node.js";

/** All nodes inside this process. */
export class InnerNodes {
  readonly #nodes = new Map<string, InnerNode>();

  /** Wraps a destination so that each node here is told what becomes of its objects. */
  watch(destination: TraceDestination): TraceDestination {
    return {
      open: (node) => {
        destination.open(node);
        this.#nodes.get(node.connectionId)?.named();
      },
      write: (node, batch) => {
        const written = destination.write(node, batch);
        const inner = this.#nodes.get(node.connectionId);
        if (inner === undefined) return written;
        const { length } = batch;
        return written.then((isSafe) => {
          inner.settled(length, isSafe);
          return isSafe;
        });
      },
      drop: (node, reason, objects, bytes) => destination.drop(node, reason, objects, bytes),
      drained: (node) => destination.drained(node),
      close: (node) => destination.close(node),
      keepingUp: () => destination.keepingUp(),
    };
  }

  /** Starts a node with the id `<kind>-<number>`, using the smallest free number. */
  open(kind: string, run: RunConnection, options: Omit<InnerNodeOptions, "id" | "run">): InnerNode {
    let number = 1;
    while (this.#nodes.has(`${kind}-${number}`)) number += 1;
    const id = `${kind}-${number}`;
    const node = new InnerNode({ ...options, id, run });
    this.#nodes.set(id, node);
    void node.ended.then(() => this.#nodes.delete(id));
    return node;
  }
}
