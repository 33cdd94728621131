import { type Severity, severities } from "../protocol/trace-batch.js";
import type { TracedLine } from "./traced-line.js";

/** What is shown; a field that is absent lets everything pass. */
export interface LineFilter {
  /** Whole segments that the namespace begins with, any of them: `ChainDB` is that of `ChainDB.AddBlock`, not of `ChainDBX`. */
  readonly namespaces?: readonly string[] | undefined;
  /** This severity and worse; lines without any are left out. */
  readonly severity?: Severity | undefined;
  /** Nanoseconds since 1970. */
  readonly since?: bigint | undefined;
}

/** Whether the facts of a line are as asked for. */
export function passes(line: TracedLine, { namespaces, severity, since }: LineFilter): boolean {
  if (namespaces !== undefined && !namespaces.some((prefix) => isBelow(line.namespace, prefix))) return false;
  if (since !== undefined && line.at < since) return false;
  if (severity === undefined) return true;
  return line.severity !== undefined && rank[line.severity] >= rank[severity];
}

const rank = Object.fromEntries(severities.map((severity, index) => [severity, index])) as Readonly<
  Record<Severity, number>
>;

/** As the daemon filters for the page. */
function isBelow(namespace: string, prefix: string): boolean {
  if (!namespace.startsWith(prefix)) return false;
  return namespace.length === prefix.length || prefix.endsWith(".") || namespace[prefix.length] === ".";
}
