import { exit, runService } from "../daemon/run-service.js";
import { startCollector } from "./start-collector.js";

export interface RunCollectorOptions {
  readonly config: string;
  readonly servers: readonly string[];
  readonly stream: string;
  readonly group?: string | undefined;
}

/** Collects until a signal ends it; resolves with the exit code. */
export function runCollector({ config, ...from }: RunCollectorOptions): Promise<number> {
  return runService({
    config,
    start: (config, context) => startCollector(config, { ...from, ...context }),
    what: () => `collecting stream ${from.stream}`,
    stopping: "stopping: writing what was received",
    logStopped: ({ router }, log) => {
      const written = Object.fromEntries(
        [...router.accounting.bySink()].map(([sink, { written }]) => [sink, written]),
      );
      const counts = Object.entries(written).map(([sink, objects]) => `${sink}: ${objects}`);
      // What was not written stays in the stream.
      log.notice("stopped", `stopped; objects written: ${counts.join(", ") || "none"}`, { written });
      return exit.inOrder;
    },
  });
}
