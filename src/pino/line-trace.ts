import { hostname } from "node:os";
import type { Trace } from "../forwarder/library/entry.js";
import { type DetailLevel, detailLevels, type Severity, severities } from "../protocol/trace-batch.js";

/** A line as pino writes it, parsed. */
export type PinoLine = Readonly<Record<string, unknown>>;

/** How a program's lines are interpreted. */
export interface LineForm {
  /** Namespace of lines of a logger without a name. */
  readonly namespace: string;
  /** Put before the name of a logger, with a dot between. */
  readonly prefix?: string | undefined;
  /** Severities of levels that are not pino's own, by label or number. */
  readonly severities: Readonly<Record<string, Severity>>;
  /** Labels of the logger's levels, by number. */
  readonly labels: Readonly<Record<string, string>>;
  /** The key under which the logger writes its message. */
  readonly messageKey: string;
}

/** Pino's own levels, the highest first; a level between two counts as the lower one. */
const pinoLevels: readonly (readonly [level: number, severity: Severity])[] = [
  [60, "Critical"],
  [50, "Error"],
  [40, "Warning"],
  [30, "Info"],
];

const pinoLabels: Readonly<Record<string, Severity>> = {
  fatal: "Critical",
  error: "Error",
  warn: "Warning",
  info: "Info",
  debug: "Debug",
  trace: "Debug",
};

const ownHost = hostname();

/** Most characters of a message that is also sent as text for people; a longer one is only in the data. */
export const longestHuman = 1_048_576;

/** The trace of a line; one that is not a JSON object, such as another program's output, becomes data unchanged. */
export function traceOfText(text: string, form: LineForm): Trace {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    // Passed on unchanged.
  }
  if (typeof line === "object" && line !== null && !Array.isArray(line))
    return traceOf(line as PinoLine, form);
  return { namespace: form.namespace, data: { line: text }, ...humanOf(text) };
}

/**
 * The trace of a parsed line: its level, time, process, name and text become fields, everything else is data. If valid, its `ns`,
 * `severity` and `details` take precedence. The text is also in the data, because files of machine texts have no other
 * place for it.
 */
export function traceOf(line: PinoLine, form: LineForm): Trace {
  const { level, time, pid, hostname: host, name, ns, severity, details, ...rest } = line;
  const data: Record<string, unknown> = rest;
  const keep = (key: string, value: unknown, isUsed: boolean) => {
    if (!isUsed && value !== undefined) data[key] = value;
  };
  const at = timeOf(time);
  const hasNamespace = isText(ns);
  const hasSeverity = severities.includes(severity as Severity);
  const hasDetails = detailLevels.includes(details as DetailLevel);
  const hasPid = Number.isSafeInteger(pid) && (pid as number) >= 0;
  // An invalid value is still passed on as data.
  keep("time", time, at !== undefined);
  keep("pid", pid, hasPid);
  keep("hostname", host, host === ownHost);
  keep("name", name, isText(name));
  keep("ns", ns, hasNamespace);
  keep("severity", severity, hasSeverity);
  keep("details", details, hasDetails);
  const text = rest[form.messageKey];
  return {
    namespace: hasNamespace ? ns : namespaceOf(name, form),
    severity: hasSeverity ? (severity as Severity) : severityOf(level, form),
    data,
    ...(isText(text) && humanOf(text)),
    ...(hasDetails && { details: details as DetailLevel }),
    ...(at !== undefined && { at }),
    ...(hasPid && { thread: String(pid) }),
  };
}

function humanOf(text: string): Pick<Trace, "human"> {
  return text.length <= longestHuman ? { human: text } : {};
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function namespaceOf(name: unknown, { namespace, prefix }: LineForm): string {
  if (!isText(name)) return prefix ?? namespace;
  return prefix === undefined ? name : `${prefix}.${name}`;
}

/** Milliseconds since 1970, from a number or an ISO 8601 text; undefined if it is not a time. */
function timeOf(time: unknown): number | undefined {
  const at = typeof time === "string" ? Date.parse(time) : time;
  return typeof at === "number" && Math.abs(at) <= 8.64e15 ? at : undefined;
}

function severityOf(level: unknown, { severities: ownSeverities, labels }: LineForm): Severity {
  const label = typeof level === "number" ? labels[level] : String(level);
  const own = ownSeverities[String(level)] ?? (label === undefined ? undefined : ownSeverities[label]);
  if (own !== undefined) return own;
  if (typeof level === "number") return pinoLevels.find(([least]) => level >= least)?.[1] ?? "Debug";
  return pinoLabels[String(level).toLowerCase()] ?? "Info";
}
