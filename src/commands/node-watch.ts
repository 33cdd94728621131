import type { ForwarderReport } from "../forwarder/start-forwarder.js";
import { FaultReporter } from "./fault-reporter.js";
import { formatBytes, type StatusLine } from "./status-line.js";

/** How often the nodes are checked. */
const lookEveryMs = 100;

export interface NamedReport extends ForwarderReport {
  readonly name: string;
}

/**
 * Shows the progress and faults of nodes until `end` settles or a node is refused: it makes no sense to wait for a tracer of
 * another network. @throws what `end` rejects with
 */
export async function watchNodes(
  status: StatusLine,
  reports: () => readonly NamedReport[],
  end: Promise<unknown>,
): Promise<void> {
  const faults = new FaultReporter(status);
  let timer: NodeJS.Timeout | undefined;
  const refused = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      const current = reports();
      const { connections, objectsSent, bytesSent, refusals } = sumOf(current);
      status.show(`${connections} connections, ${objectsSent} objects, ${formatBytes(bytesSent)}`);
      faults.report(current);
      if (refusals > 0) resolve();
    }, lookEveryMs);
  });
  try {
    await Promise.race([end, refused]);
  } finally {
    clearInterval(timer);
    faults.report(reports());
    status.clear();
  }
}

/** Names of the fields that are numbers. */
export type NumbersOf<Counts> = {
  [Name in keyof Counts]-?: Counts[Name] extends number ? Name : never;
}[keyof Counts];

/** The sum of each number in the reports. */
export function sumOf<Counts extends object>(reports: readonly Counts[]): Record<NumbersOf<Counts>, number> {
  const total: Record<string, number> = {};
  for (const report of reports) {
    for (const [name, value] of Object.entries(report)) {
      if (typeof value === "number") total[name] = (total[name] ?? 0) + value;
    }
  }
  return total as Record<NumbersOf<Counts>, number>;
}
