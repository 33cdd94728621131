import type { DataPoints } from "./data-points.js";

/** The data point in which a node says its name, as `niName`. */
export const nodeInfoName = "NodeInfo";

/** Real ones have some 300 bytes. What is longer is not read. */
const mostBytes = 16 * 1_024;

/** Where a node's name may come from: what it says of itself, or the host that its objects name. */
export type NameSource = "nodeInfo" | "hostname";

/** The node's own name, or undefined if it gave none that can be read. */
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
