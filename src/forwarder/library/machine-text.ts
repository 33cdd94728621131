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

/** A program that makes up more of them is slower, and no larger. */
const mostQuoted = 1_000;
const quotedTexts = new Map<string, string>();

let lastAt = Number.NaN;
let lastTime = "";

/**
 * `toMachine` as nodes write it: compact, its keys in this order, the time without zeros at its end.
 * @throws what `JSON.stringify` throws: TypeError for data with a cycle or a BigInt, and what a `toJSON` of the program throws
 */
export function machineText({ at, namespace, data, severity, thread, host }: MachineFields): string {
  const json = JSON.stringify(data) ?? "{}";
  return `{"at":"${timeText(at)}","ns":${quoted(namespace)},"data":${json},"sev":"${severity}","thread":${quoted(thread)},"host":${quoted(host)}}`;
}

/** As JSON. A program's namespaces, threads and hosts are few, and come again and again. */
function quoted(text: string): string {
  const known = quotedTexts.get(text);
  if (known !== undefined) return known;
  if (quotedTexts.size >= mostQuoted) quotedTexts.clear();
  const made = JSON.stringify(text);
  quotedTexts.set(text, made);
  return made;
}

/** `2026-02-16T09:30:01.12Z`. Many lines are of the same millisecond. */
function timeText(at: number): string {
  if (at !== lastAt) {
    lastAt = at;
    lastTime = new Date(at).toISOString().replace(/\.?0+Z$/, "Z");
  }
  return lastTime;
}
