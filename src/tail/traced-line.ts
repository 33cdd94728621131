import { type LineFields, lineFields, lineNamespace, lineText, lineTime } from "../log-files/line-fields.js";
import { type Severity, severities } from "../protocol/trace-batch.js";

/** The form of lines: `machine` is ForMachine's JSON, `console` is that of ForHuman's files and of a node's own console. */
export type LineForm = "machine" | "console";

/** A line of a log, or an object from a running daemon, with the facts that filters need. */
export interface TracedLine {
  readonly node: string;
  /** Nanoseconds since 1970, UTC; for a line without a time, the time of its file. */
  readonly at: bigint;
  /** Undefined if the line names none. */
  readonly severity: Severity | undefined;
  readonly namespace: string;
  readonly host: string;
  readonly thread: string;
  readonly form: LineForm;
  /** The line as it is stored, without its line feed. */
  readonly text: string;
  /**
   * Its text for people: a node's human text, or what follows the head of a console line. Absent if there is only `text`.
   */
  readonly human?: string;
}

/** What a line gets from its file. */
export interface LinePlace {
  readonly node: string;
  /** Nanoseconds since 1970, for a line without its own time. */
  readonly fallbackAt: bigint;
}

/** Interprets a ForMachine line; one that is not such JSON has no facts. */
export function machineLine(text: string, { node, fallbackAt }: LinePlace): TracedLine {
  const { at, ns, sev, host, thread } = usualFields(text) ?? lineFields(text);
  return {
    node,
    at: timeOf(at) ?? fallbackAt,
    severity: severityNamed(sev),
    namespace: lineNamespace(ns).join("."),
    host: lineText(host),
    thread: lineText(thread),
    form: "machine",
    text,
  };
}

const usualBegin = /^\{"at":"([^"\\]*)","ns":"([^"\\]*)",/;
const usualEnd = /"sev":"([^"\\]*)","thread":"([^"\\]*)","host":"([^"\\]*)"\}$/y;

/**
 * The fields of a line as nodes write it, without parsing the data between them: quotes inside a text are escaped, so what
 * stands before the last bracket belongs to the outermost object.
 */
function usualFields(text: string): LineFields | undefined {
  usualEnd.lastIndex = text.lastIndexOf('"sev":"');
  if (usualEnd.lastIndex < 0) return undefined;
  const begin = usualBegin.exec(text);
  const end = usualEnd.exec(text);
  if (begin === null || end === null) return undefined;
  return { at: begin[1], ns: begin[2], sev: end[1], thread: end[2], host: end[3] };
}

/** `[2024-04-08 13:46:26.5169Z][host:ChainDB.AddBlockEvent](Info,31) text`; hosts may contain colons, namespaces may not. */
const consoleHead = /^\[([^\]]{10,40})\]\[([^\]]*)\]\(([A-Za-z]+),([^)]*)\) ?/;

/** Whether a console line continues the one before it. */
export function isContinuation(text: string): boolean {
  return text.startsWith("  ");
}

/** Interprets a console line. One without a head (layout `text`) has no facts; a continuation line has those of `before`. */
export function consoleLine(
  text: string,
  { node, fallbackAt }: LinePlace,
  before: TracedLine | undefined,
): TracedLine {
  if (before !== undefined && isContinuation(text)) return { ...before, text, human: text };
  const head = consoleHead.exec(text);
  if (head === null) {
    const unknown = { severity: undefined, namespace: "", host: "", thread: "" };
    return { node, at: fallbackAt, ...unknown, form: "console", text, human: text };
  }
  const [whole, time, origin = "", severity, thread = ""] = head;
  const colon = origin.lastIndexOf(":");
  return {
    node,
    at: timeOf(time) ?? fallbackAt,
    severity: severityNamed(severity),
    namespace: origin.slice(colon + 1),
    host: origin.slice(0, Math.max(0, colon)),
    thread,
    form: "console",
    text,
    human: text.slice(whole.length),
  };
}

/** Nanoseconds since 1970 of a time as lines give it; undefined for anything else. */
export function timeOf(text: unknown): bigint | undefined {
  const time = lineTime(text);
  return time && BigInt(time.seconds) * 1_000_000_000n + BigInt(Math.floor(time.picoseconds / 1_000));
}

/** A severity by its name on the wire. */
export function severityNamed(name: unknown): Severity | undefined {
  return severities.find((severity) => severity === name);
}
