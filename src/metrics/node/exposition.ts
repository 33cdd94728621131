import type { ExposedNames } from "./exposed-name.js";
import { helpFor } from "./help-texts.js";
import type { NodeMetric, NodeMetrics } from "./node-metrics.js";
import { type Sample, sampleOf } from "./sample.js";
import { sortedInPieces } from "./sorted-in-pieces.js";

/** Prometheus' text format 0.0.4, or OpenMetrics 1.0.0. */
export type ExpositionFormat = "text" | "openmetrics";

export const expositionContentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

export interface ExposedNode {
  /** The value of the label `node_name`; undefined omits the label, which is only right for the exposition of one node. */
  readonly label: string | undefined;
  readonly metrics: NodeMetrics;
}

export interface ExpositionOptions {
  readonly format: ExpositionFormat;
  readonly names: ExposedNames;
  /** Internal metric name → help text. */
  readonly help: ReadonlyMap<string, string>;
}

/** Names between two pauses. */
const namesPerPiece = 500;

/** Pieces are yielded at about this many UTF-16 units. */
const pieceLength = 65_536;

/**
 * Writes the metrics of one or many nodes, one family after the other, each with the samples of all nodes, and ends
 * with `# EOF` in both formats. Series have the same names and labels in both; the values are those at the moment
 * when a node is reached. An empty piece is a place to pause: nothing between two pieces takes long.
 *
 * Returns how many names were left out because another name of the same node, earlier in sort order, is exposed under
 * the same name.
 */
export function* exposition(
  nodes: Iterable<ExposedNode>,
  options: ExpositionOptions,
): Generator<string, number> {
  const families = new Map<string, Family>();
  let collided = 0;
  let names = 0;
  for (const { label, metrics } of nodes) {
    const node = label === undefined ? "" : `node_name="${escapedLabel(label)}"`;
    const origin: Origin = { node, bare: node === "" ? "" : `{${node}}` };
    for (const [internalName, metric] of metrics.entries()) {
      const name = options.names.of(internalName);
      const family = families.get(name);
      const text = metric.kind === "label" ? sampleOf(metric.value) : undefined;
      const entry: Entry = { origin, internalName, metric, text };
      if (family === undefined) families.set(name, new Family(name, entry));
      else if (!family.add(entry)) collided += 1;
      names += 1;
      if (names % namesPerPiece === 0) yield "";
    }
    yield "";
  }
  let piece = "";
  for (const name of yield* sortedInPieces([...families.keys()])) {
    const family = families.get(name)!;
    piece += metadataLines(family, families, options);
    for (const entry of family.entries) {
      piece += sampleLine(name, entry);
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = "";
    }
  }
  yield `${piece}# EOF\n`;
  return collided;
}

/** What all samples of a node share, rendered once: its label, empty if there is none, and the same in braces. */
interface Origin {
  readonly node: string;
  readonly bare: string;
}

/** One metric of one node on its way into a family. */
interface Entry {
  readonly origin: Origin;
  readonly internalName: string;
  readonly metric: NodeMetric;
  /** A text as a sample; numbers, nearly all metrics, are used as they are. */
  readonly text: Sample | undefined;
}

/** Everything exposed under one series name. */
class Family {
  readonly name: string;
  readonly entries: Entry[];

  constructor(name: string, first: Entry) {
    this.name = name;
    // Created with one entry: an array that grows from nothing has room for 17, and most names may have only one sample.
    this.entries = [first];
  }

  /** Nodes come one after the other, so a collision within a node is with the last entry. Returns false if it was left out. */
  add(entry: Entry): boolean {
    const last = this.entries.at(-1);
    if (last?.origin !== entry.origin) {
      this.entries.push(entry);
      return true;
    }
    if (entry.internalName < last.internalName) this.entries[this.entries.length - 1] = entry;
    return false;
  }
}

function metadataLines(
  family: Family,
  families: ReadonlyMap<string, Family>,
  options: ExpositionOptions,
): string {
  const { type, name } = options.format === "text" ? textMetadata(family) : openMetadata(family, families);
  const help = helpOf(family, options.help);
  const helpLine = help === undefined ? "" : `# HELP ${name} ${escapedHelp(help, options.format)}\n`;
  return `${helpLine}# TYPE ${name} ${type}\n`;
}

function sampleLine(name: string, { origin, metric, text }: Entry): string {
  if (text === undefined) return `${name}${origin.bare} ${metric.value}\n`;
  return `${name}${renderedLabels(text.labels, origin)} ${text.value}\n`;
}

interface Metadata {
  readonly type: string;
  /** The family's name: in OpenMetrics without the suffix that the type adds. */
  readonly name: string;
}

function kindOf({ entries }: Family): "counter" | "gauge" | "info" | "mixed" {
  const kindOfOne = ({ metric, text }: Entry) =>
    text?.kind ?? (metric.kind === "counter" ? "counter" : "gauge");
  const kind = kindOfOne(entries[0]!);
  return entries.every((entry) => kindOfOne(entry) === kind) ? kind : "mixed";
}

function textMetadata(family: Family): Metadata {
  const types = { counter: "counter", gauge: "gauge", info: "gauge", mixed: "untyped" };
  return { type: types[kindOf(family)], name: family.name };
}

/**
 * A family of type counter called `x` owns the series names `x`, `x_total` and `x_created`, one of type info `x` and
 * `x_info` (OpenMetrics 1.0.0, "Suffixes"). If the name does not end like that, if another family has one of
 * those names, or if a counter is negative, the type is unknown, and the family has the name of its series.
 */
function openMetadata(family: Family, families: ReadonlyMap<string, Family>): Metadata {
  const unknown = { type: "unknown", name: family.name };
  const free = (base: string | undefined, ...suffixes: string[]): base is string =>
    base !== undefined && base !== "" && suffixes.every((suffix) => !families.has(base + suffix));
  switch (kindOf(family)) {
    case "gauge":
      return { type: "gauge", name: family.name };
    case "counter": {
      const base = withoutEnd(family.name, "_total");
      if (!free(base, "", "_created") || family.entries.some(({ metric }) => Number(metric.value) < 0))
        return unknown;
      return { type: "counter", name: base };
    }
    case "info": {
      const base = withoutEnd(family.name, "_info");
      return free(base, "", "_total") ? { type: "info", name: base } : unknown;
    }
    case "mixed":
      return unknown;
  }
}

function withoutEnd(name: string, end: string): string | undefined {
  return name.endsWith(end) ? name.slice(0, -end.length) : undefined;
}

/** If several internal names share a family, the first in sort order that has a help text provides it. */
function helpOf({ entries }: Family, help: ReadonlyMap<string, string>): string | undefined {
  if (help.size === 0) return undefined;
  let first: { readonly internalName: string; readonly text: string } | undefined;
  for (const { internalName } of entries) {
    if (first !== undefined && internalName >= first.internalName) continue;
    const text = helpFor(internalName, help);
    if (text !== undefined) first = { internalName, text };
  }
  return first?.text;
}

function renderedLabels(labels: Sample["labels"], { node, bare }: Origin): string {
  if (labels.length === 0) return bare;
  const own = labels.map(
    ([name, value]) => `${node === "" ? name : apart(name, labels)}="${escapedLabel(value)}"`,
  );
  return `{${(node === "" ? own : [node, ...own]).join(",")}}`;
}

/** As Prometheus does with a target's own labels: a label with the name of the one we add is kept as `exported_…`. */
function apart(name: string, labels: Sample["labels"]): string {
  if (name !== "node_name") return name;
  let free = `exported_${name}`;
  while (labels.some(([other]) => other === free)) free = `exported_${free}`;
  return free;
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escapedLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => escapes[character]!);
}

/** In text 0.0.4 a quote in a help text must not be escaped, in OpenMetrics it must. */
function escapedHelp(text: string, format: ExpositionFormat): string {
  return text.replace(format === "text" ? /[\\\n]/g : /[\\"\n]/g, (character) => escapes[character]!);
}
