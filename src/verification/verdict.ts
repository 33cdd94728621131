import type { Findings } from "./findings.js";

/** What became of one node's objects in one `logRoot`. */
export interface NodeVerdict extends Findings {
  /** The `logRoot` as it was given. */
  readonly logs: string;
  /** The node's directory. */
  readonly node: string;
  /** Whether lines of it were expected. */
  readonly wasSent: boolean;
  /** Whether it has log files there. */
  readonly hasLog: boolean;
}

export interface Verdict {
  /** True only if every object of every node is there once, in order, and nothing else. */
  readonly ok: boolean;
  readonly nodes: readonly NodeVerdict[];
  /** Problems while reading what was sent, such as a torn end of a recording. */
  readonly remarks: readonly string[];
}

export function isRight(findings: Findings): boolean {
  const { lost, doubled, disordered, torn, foreign } = findings;
  return lost + doubled + disordered + torn + foreign === 0;
}
