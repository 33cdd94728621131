import type { TraceObject } from "../../src/protocol/trace-object.js";
import type { Workplace } from "../end-to-end/daemon.js";
import { tracerLogs } from "./rust-program.js";

/** What the crate writes of an object, to files and to stdout: all of it. */
export interface RustLine {
  readonly to_human: string | null;
  readonly to_machine: string;
  readonly to_namespace: readonly string[];
  readonly to_severity: string;
  readonly to_details: string;
  readonly to_hostname: string;
  readonly to_thread_id: string;
}

/** The lines that a Rust tracer of a workplace has written for a node. */
export async function rustLines(place: Workplace, node: string, tracer?: string): Promise<RustLine[]> {
  const lines = await place.linesOf(node, { logRoot: tracerLogs(place, tracer) });
  return lines.map((line) => JSON.parse(line));
}

/** An object as a line of this form. */
export function asRustLine(object: TraceObject) {
  return {
    to_human: object.human ?? null,
    to_machine: object.machine,
    to_namespace: object.namespace,
    to_severity: object.severity,
    to_details: object.details,
    to_hostname: object.host,
    to_thread_id: object.thread,
  };
}
