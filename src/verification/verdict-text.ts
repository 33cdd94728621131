import { visibleText } from "../text/visible-text.js";
import { type Defect, defects, type Findings, type Place } from "./findings.js";
import { isRight, type NodeVerdict, type Verdict } from "./verdict.js";

/** Most names shown of nodes that share a fault. */
const maxNames = 5;

/**
 * A verdict for people: one line a node, below it the places, at the end the sum. Nodes without a log share one line, and
 * so do those that sent nothing: each group has one cause.
 */
export function verdictText(verdict: Verdict): string {
  const lines: string[] = [];
  const roots = new Set(verdict.nodes.map(({ logs }) => logs));
  for (const root of roots) {
    const nodes = verdict.nodes.filter(({ logs }) => logs === root);
    const missing = nodes.filter((node) => !node.hasLog && !isRight(node));
    const unexpected = nodes.filter((node) => !node.wasSent && !isRight(node));
    for (const node of nodes) {
      if (missing.includes(node) || unexpected.includes(node)) continue;
      const name = roots.size > 1 ? `${root}: ${node.node}` : node.node;
      lines.push(`${name}: ${isRight(node) ? "ok" : "FAULTY"}: ${countsText(node)}`);
      for (const defect of defects) lines.push(...placeLines(node, defect));
    }
    if (missing.length > 0)
      lines.push(`FAULTY: no log of ${namesText(missing)} below ${root}: ${sumOf(missing, "lost")} lost`);
    if (unexpected.length > 0) {
      const [count, them] = [sumOf(unexpected, "found"), namesText(unexpected)];
      lines.push(`FAULTY: a log of ${them} below ${root}, nothing of which was sent: ${count} lines`);
    }
  }
  for (const remark of verdict.remarks) lines.push(`remark: ${remark}`);
  const bad = verdict.nodes.filter((node) => !isRight(node)).length;
  lines.push(verdict.ok ? "everything is right" : `faulty: ${bad} of ${verdict.nodes.length} nodes`);
  // Names come from directories, or from a report of what was sent.
  return `${lines.map(visibleText).join("\n")}\n`;
}

/** `relay`, or `67 nodes (relay-1, relay-2 …)`. */
function namesText(nodes: readonly NodeVerdict[]): string {
  const names = nodes.map(({ node }) => node);
  if (names.length === 1) return names[0]!;
  const more = names.length > maxNames ? " …" : "";
  return `${names.length} nodes (${names.slice(0, maxNames).join(", ")}${more})`;
}

function sumOf(nodes: readonly NodeVerdict[], count: "lost" | "found"): number {
  return nodes.reduce((sum, node) => sum + node[count], 0);
}

function countsText(findings: Findings): string {
  const counts = defects
    .filter((defect) => findings[defect] > 0)
    .map((defect) => `${findings[defect]} ${defect}`);
  return [`${findings.sent} sent`, `${findings.found} found`, ...counts].join(", ");
}

function placeLines(findings: Findings, defect: Defect): string[] {
  const places = findings.places.filter((place) => place.defect === defect);
  if (places.length === 0) return [];
  const lines = places.map((place) => `  ${defect.padEnd(10)} ${place.file}:${place.line}${sentText(place)}`);
  const shown = places.reduce((sum, { sent }) => sum + (sent?.count ?? 1), 0);
  if (shown < findings[defect]) lines.push(`  ${defect.padEnd(10)} and ${findings[defect] - shown} more`);
  return lines;
}

function sentText({ sent }: Place): string {
  if (sent === undefined) return "";
  if (sent.count === 1) return ` object ${sent.first} should be before this line`;
  const last = sent.first + sent.count - 1;
  return ` objects ${sent.first} to ${last} should be before this line`;
}
