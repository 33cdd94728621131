import { type Severity, severities } from "../protocol/trace-batch.js";
import type { TracedLine } from "./traced-line.js";

/** Which lines are shown; an absent field excludes none. */
export interface LineFilter {
  /** Prefixes of whole segments, one of which must match: `ChainDB` matches `ChainDB.AddBlock` but not `ChainDBX`. */
  readonly namespaces?: readonly string[] | undefined;
  /** The least severity that is shown; lines without one are left out. */
  readonly severity?: Severity | undefined;
  /** Nanoseconds since 1970. */
  readonly since?: bigint | undefined;
}

/** Whether a line matches the filter. */
export function passes(line: TracedLine, { namespaces, severity, since }: LineFilter): boolean {
  if (namespaces !== undefined && !namespaces.some((prefix) => isBelow(line.namespace, prefix))) return false;
  if (since !== undefined && line.at < since) return false;
  if (severity === undefined) return true;
  return line.severity !== undefined && rank[line.severity] >= rank[severity];
}

const rank = Object.fromEntries(severities.map((severity, index) => [severity, index])) as Readonly<
  Record<Severity, number>
>;

/** The same rule as the daemon's filter for the page. */
function isBelow(namespace: string, prefix: string): boolean {
  if (!namespace.startsWith(prefix)) return false;
  return namespace.length === prefix.length || prefix.endsWith(".") || namespace[prefix.length] === ".";
}
