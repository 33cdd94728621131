import type { StatusLine } from "./status-line.js";

/** Says what goes wrong with nodes as it happens, each fault once, however many of them have it. */
export class FaultReporter {
  readonly #status: StatusLine;
  readonly #told = new Set<string>();

  constructor(status: StatusLine) {
    this.#status = status;
  }

  tell(reports: readonly { readonly name: string; readonly lastFault?: string }[]): void {
    for (const { name, lastFault } of reports) {
      if (lastFault === undefined || this.#told.has(lastFault)) continue;
      this.#told.add(lastFault);
      this.#status.say(`${name}: ${lastFault}`);
    }
  }
}
