import { pino, stdTimeFunctions } from "pino";
import { LineWriter } from "./line-writer.js";
import { openOutlet } from "./outlet.js";
import { type LogSeverity, leastSeverity, logSeverities, type SeverityChoice } from "./severity.js";

/** The facts of a message, in addition to its text; an error goes under `err`. */
type Facts = Readonly<Record<string, unknown>>;

/** Logs `event`, a name for programs, with a sentence for people and the facts of both. */
type LogMethod = (event: string, message: string, facts?: Facts) => void;

/** The daemon's own log: one method for each severity of cardano-tracer. */
export interface Log extends Readonly<Record<Lowercase<LogSeverity>, LogMethod>> {
  /** Also gives `take` each line logged from now on, as JSON, until the returned function is called. */
  tap(take: (line: string) => void): () => void;
  /** The severities that are logged from now on. */
  show(choice: SeverityChoice): void;
  /** Writes what is pending, for `deadlineMs` at most; after that nothing is logged. Idempotent. */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
}

export interface LogOptions extends SeverityChoice {
  /** The file descriptor to write to. @default 1, stdout */
  readonly fd?: number;
  /** Most bytes of lines that wait for a stalled reader; further lines are dropped and counted. @default 1 MiB */
  readonly maxPendingBytes?: number;
}

/** Pino's numbers for the severities. */
const levels = Object.fromEntries(
  logSeverities.map((severity, index) => [severity.toLowerCase(), 20 + 10 * index]),
) as Record<Lowercase<LogSeverity>, number>;

/** Opens the log: JSON lines, or lines for people on a terminal. Nothing in it ever blocks the process. */
export async function openLog(options: LogOptions): Promise<Log> {
  const outlet = openOutlet(options.fd ?? 1);
  const writer = new LineWriter({
    outlet,
    maxPendingBytes: options.maxPendingBytes ?? 1024 * 1024,
    onDropped: (lines) =>
      everything.warning(
        { event: "log_lines_dropped", lines },
        `${lines} lines of this log were dropped: its reader was too slow`,
      ),
  });
  const form = outlet.isTerminal
    ? (await import("./terminal-lines.js")).terminalLines(levels)
    : (line: string) => line;
  const taps = new Set<(line: string) => void>();
  const everything = pino(
    {
      base: null,
      customLevels: levels,
      formatters: { level: (label) => ({ level: label }) },
      level: "debug",
      timestamp: stdTimeFunctions.isoTime,
      useOnlyCustomLevels: true,
    },
    {
      write: (line: string) => {
        writer.write(form(line));
        for (const take of taps) take(line);
      },
    },
  );
  const logger = everything.child({});
  const show = (choice: SeverityChoice) => {
    logger.level = leastSeverity(choice).toLowerCase();
  };
  show(options);
  const method = (severity: LogSeverity): LogMethod => {
    const level = severity.toLowerCase() as Lowercase<LogSeverity>;
    return (event, message, facts) => logger[level]({ event, ...facts }, message);
  };
  let stopped: Promise<void> | undefined;
  return {
    debug: method("Debug"),
    info: method("Info"),
    notice: method("Notice"),
    warning: method("Warning"),
    error: method("Error"),
    critical: method("Critical"),
    alert: method("Alert"),
    emergency: method("Emergency"),
    tap: (take) => {
      taps.add(take);
      return () => taps.delete(take);
    },
    show,
    stop: ({ deadlineMs }) => {
      stopped ??= writer.stop(deadlineMs);
      return stopped;
    },
  };
}
