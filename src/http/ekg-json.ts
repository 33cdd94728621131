import type { NodeMetric, NodeMetrics } from "../metrics/node/node-metrics.js";
import { sortedInPieces } from "../metrics/node/sorted-in-pieces.js";

/** ekg's letters for the kinds of metrics. */
export const ekgTypes: Readonly<Record<NodeMetric["kind"], "c" | "g" | "l">> = {
  counter: "c",
  gauge: "g",
  label: "l",
};

/** A name with more dots keeps the rest in its last key, so that no peer can make a document deeper than readers accept. */
const maxDepth = 64;

/** Names sorted between two pauses. */
const namesPerPiece = 500;

/** A metric's object without its closing brace. */
function openedMetric(metric: NodeMetric): string {
  const value = metric.kind === "label" ? JSON.stringify(metric.value) : metric.value.toString();
  return `{"type":"${ekgTypes[metric.kind]}","val":${value}`;
}

/** One metric as ekg writes it: `{"type":"c"|"g"|"l","val":…}`, numbers in full. */
export function ekgMetricJson(metric: NodeMetric): string {
  return `${openedMetric(metric)}}`;
}

/** An object that is being written. */
interface OpenObject {
  /** Its key in the one around it. */
  readonly part: string;
  /** Whether it is also a metric, so that it has keys `type` and `val`. */
  isMetric: boolean;
  isEmpty: boolean;
}

/**
 * Writes metrics as ekg does: nested by the dots of their names, in the order of their names. If `a` and `a.b` both
 * exist, `b` is next to the `type` and `val` of `a`; a part of a name that would itself be called `type` or `val`
 * there is left out. Every piece is a point to pause. Only the path of one name is kept in memory.
 */
export function* ekgJson(metrics: NodeMetrics): Generator<string, void> {
  const open: OpenObject[] = [{ part: "", isMetric: false, isEmpty: true }];
  yield "{";
  for (const [name, metric] of yield* inOrderOfParts(metrics)) {
    const parts = partsOf(name);
    let shared = 0;
    while (shared < parts.length && open[shared + 1]?.part === parts[shared]) shared += 1;
    let text = "}".repeat(open.length - 1 - shared);
    open.length = shared + 1;
    let isLeftOut = false;
    for (const part of parts.slice(shared)) {
      const around = open.at(-1)!;
      isLeftOut = around.isMetric && (part === "type" || part === "val");
      if (isLeftOut) break;
      text += `${around.isEmpty ? "" : ","}${JSON.stringify(part)}:`;
      around.isEmpty = false;
      open.push({ part, isMetric: false, isEmpty: true });
      if (open.length <= parts.length) text += "{";
    }
    if (!isLeftOut) {
      const own = open.at(-1)!;
      own.isMetric = true;
      own.isEmpty = false;
      text += openedMetric(metric);
    }
    yield text;
  }
  yield "}".repeat(open.length);
}

function partsOf(name: string): string[] {
  const parts = name.split(".");
  if (parts.length > maxDepth) parts.push(parts.splice(maxDepth - 1).join("."));
  return parts;
}

/** Names that begin with the same parts come together, and a metric before those below it. */
function* inOrderOfParts(metrics: NodeMetrics): Generator<"", [string, NodeMetric][]> {
  const byKey = new Map<string, [string, NodeMetric]>();
  for (const entry of metrics.entries()) {
    byKey.set(sortingKey(entry[0]), entry);
    if (byKey.size % namesPerPiece === 0) yield "";
  }
  return (yield* sortedInPieces([...byKey.keys()])).map((key) => byKey.get(key)!);
}

/** Dots become the lowest character, which then occurs nowhere else. */
function sortingKey(name: string): string {
  return name.replaceAll("\x01", "\x01b").replaceAll("\0", "\x01a").replaceAll(".", "\0");
}
