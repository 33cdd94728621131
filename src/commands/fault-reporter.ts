import type { StatusLine } from "./status-line.js";

/** Reports faults of nodes as they happen, each once, however many nodes have it. */
export class FaultReporter {
  readonly #status: StatusLine;
  readonly #reported = new Set<string>();

  constructor(status: StatusLine) {
    this.#status = status;
  }

  report(nodes: readonly { readonly name: string; readonly lastFault?: string }[]): void {
    for (const { name, lastFault } of nodes) {
      if (lastFault === undefined || this.#reported.has(lastFault)) continue;
      this.#reported.add(lastFault);
      this.#status.print(`${name}: ${lastFault}`);
    }
  }
}
