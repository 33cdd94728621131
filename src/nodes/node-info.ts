import type { DataPoints } from "./data-points.js";

/** The data point with a node's name, as `niName`. */
export const nodeInfoName = "NodeInfo";

/** Real ones have some 300 bytes. Longer ones are not read. */
const mostBytes = 16 * 1_024;

/** Sources of a node's name: its own `NodeInfo`, or the host in its objects. */
export type NameSource = "nodeInfo" | "hostname";

/** The node's own name, or undefined if it gave no readable one. */
export function nameOf(points: DataPoints | undefined): string | undefined {
  const bytes = points?.get(nodeInfoName);
  if (bytes === undefined || bytes.length > mostBytes) return undefined;
  try {
    const info: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
    );
    const name = (info as { niName?: unknown } | null)?.niName;
    return typeof name === "string" && name !== "" ? name : undefined;
  } catch {
    return undefined;
  }
}
