import type { Severity } from "../../protocol/trace-batch.js";

export interface MachineFields {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly namespace: string;
  readonly data: object;
  readonly severity: Severity;
  readonly thread: string;
  readonly host: string;
}

let lastAt = Number.NaN;
let lastTime = "";

/**
 * `toMachine` as nodes write it: compact, its keys in this order, the time without zeros at its end.
 * @throws what `JSON.stringify` throws: TypeError for data with a cycle or a BigInt, and what a `toJSON` of the program throws
 */
export function machineText({ at, namespace, data, severity, thread, host }: MachineFields): string {
  const ns = JSON.stringify(namespace);
  const json = JSON.stringify(data) ?? "{}";
  return `{"at":"${timeText(at)}","ns":${ns},"data":${json},"sev":"${severity}","thread":${JSON.stringify(thread)},"host":${JSON.stringify(host)}}`;
}

/** `2026-02-16T09:30:01.12Z`. Many lines are of the same millisecond. */
function timeText(at: number): string {
  if (at !== lastAt) {
    lastAt = at;
    lastTime = new Date(at).toISOString().replace(/\.?0+Z$/, "Z");
  }
  return lastTime;
}
