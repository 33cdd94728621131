import { type Defect, defects, type Findings, type Place } from "./findings.js";
import { isWell, type Verdict } from "./verdict.js";

/** A verdict for people: one line a node, below it the places, at last the sum. */
export function verdictText(verdict: Verdict): string {
  const lines: string[] = [];
  const severalRoots = new Set(verdict.nodes.map(({ logs }) => logs)).size > 1;
  for (const node of verdict.nodes) {
    const name = severalRoots ? `${node.logs}: ${node.node}` : node.node;
    lines.push(`${name}: ${isWell(node) ? "well" : "NOT WELL"}: ${countsText(node)}`);
    for (const defect of defects) lines.push(...placeLines(node, defect));
  }
  for (const remark of verdict.remarks) lines.push(`remark: ${remark}`);
  const bad = verdict.nodes.filter((node) => !isWell(node)).length;
  lines.push(verdict.ok ? "all is well" : `not well: ${bad} of ${verdict.nodes.length} nodes`);
  return `${lines.join("\n")}\n`;
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
  const told = places.reduce((sum, { sent }) => sum + (sent?.count ?? 1), 0);
  if (told < findings[defect]) lines.push(`  ${defect.padEnd(10)} and ${findings[defect] - told} more`);
  return lines;
}

function sentText({ sent }: Place): string {
  if (sent === undefined) return "";
  if (sent.count === 1) return ` object ${sent.first} should stand before this line`;
  const last = sent.first + sent.count - 1;
  return ` objects ${sent.first} to ${last} should stand before this line`;
}
