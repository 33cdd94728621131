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

/** Beyond this many different texts a program becomes slower, but takes no more memory. */
const mostQuoted = 1_000;
const quotedTexts = new Map<string, string>();

let lastAt = Number.NaN;
let lastTime = "";

/**
 * `toMachine` as nodes write it: compact, with the keys in this order, the time without trailing zeros.
 * @throws what `JSON.stringify` throws: TypeError for data with a cycle or a BigInt, and what a `toJSON` of the program throws
 */
export function machineText({ at, namespace, data, severity, thread, host }: MachineFields): string {
  const json = JSON.stringify(data) ?? "{}";
  return `{"at":"${timeText(at)}","ns":${quoted(namespace)},"data":${json},"sev":"${severity}","thread":${quoted(thread)},"host":${quoted(host)}}`;
}

/** A text as JSON, cached: a program has few namespaces, threads and hosts, and repeats them. */
function quoted(text: string): string {
  const known = quotedTexts.get(text);
  if (known !== undefined) return known;
  if (quotedTexts.size >= mostQuoted) quotedTexts.clear();
  const made = JSON.stringify(text);
  quotedTexts.set(text, made);
  return made;
}

/** `2026-02-16T09:30:01.12Z`, cached: many lines share a millisecond. */
function timeText(at: number): string {
  if (at !== lastAt) {
    lastAt = at;
    lastTime = new Date(at).toISOString().replace(/\.?0+Z$/, "Z");
  }
  return lastTime;
}
