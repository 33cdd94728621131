import type { NodeMetric, NodeMetrics } from "../metrics/node/node-metrics.js";

/** ekg's letters for the kinds of metrics. */
export const ekgTypes: Readonly<Record<NodeMetric["kind"], "c" | "g" | "l">> = {
  counter: "c",
  gauge: "g",
  label: "l",
};

/** A name with more dots keeps the rest in its last key, so that no peer makes a document deeper than readers take. */
const maxDepth = 64;

/** Names between two pauses. */
const namesPerPiece = 1_000;

interface Branch {
  metric?: NodeMetric;
  /** A map, since names such as `__proto__` are the peer's to choose. */
  readonly children: Map<string, Branch>;
}

/**
 * Writes metrics as ekg does: nested by the dots of their names, leaves `{"type":"c"|"g"|"l","val":…}`, numbers in
 * full. Where `a` and `a.b` both exist, `b` stands beside the `type` and `val` of `a`; a part of a name that would
 * itself be called `type` or `val` there is left out. An empty piece is a place to pause.
 */
export function* ekgJson(metrics: NodeMetrics): Generator<string, void> {
  const root: Branch = { children: new Map() };
  let names = 0;
  for (const [name, metric] of metrics.entries()) {
    branchOf(root, name).metric = metric;
    names += 1;
    if (names % namesPerPiece === 0) yield "";
  }
  yield* written(root);
}

function branchOf(root: Branch, name: string): Branch {
  const parts = name.split(".");
  if (parts.length > maxDepth) parts.push(parts.splice(maxDepth - 1).join("."));
  let branch = root;
  for (const part of parts) {
    let child = branch.children.get(part);
    if (child === undefined) {
      child = { children: new Map() };
      branch.children.set(part, child);
    }
    branch = child;
  }
  return branch;
}

function* written({ metric, children }: Branch): Generator<string, void> {
  let separator = "{";
  if (metric !== undefined) {
    const value = metric.kind === "label" ? JSON.stringify(metric.value) : metric.value.toString();
    yield `{"type":"${ekgTypes[metric.kind]}","val":${value}`;
    separator = ",";
  }
  for (const [name, child] of children) {
    if (metric !== undefined && (name === "type" || name === "val")) continue;
    yield `${separator}${JSON.stringify(name)}:`;
    yield* written(child);
    separator = ",";
  }
  yield separator === "{" ? "{}" : "}";
}
