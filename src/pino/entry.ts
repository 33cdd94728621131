import { writeSync } from "node:fs";
import type { Writable } from "node:stream";
import build from "pino-abstract-transport";
import {
  type ForwarderProblem,
  type OpenForwarderOptions,
  openForwarder,
} from "../forwarder/library/entry.js";
import { type Severity, severities } from "../protocol/trace-batch.js";
import { BackPressure } from "./back-pressure.js";
import { type LineForm, traceOfText } from "./line-trace.js";
import { LineWriter } from "./line-writer.js";

export type { Severity } from "../protocol/trace-batch.js";

/** Options of `pino({transport: {target: "muninn/pino", options}})`: those of `muninn/forwarder`, and how lines become messages. */
export interface PinoTransportOptions extends Omit<OpenForwarderOptions, "onProblem"> {
  /** Put before the name of each logger, with a dot between. @default nothing */
  readonly prefix?: string | undefined;
  /** Severities of your own levels, by label or number: `{notice: "Notice", 70: "Alert"}`. @default by the next lower level of pino's own */
  readonly severities?: Readonly<Record<string, Severity>> | undefined;
  /** How long the end of the program, or a `flush`, waits for the tracer, in milliseconds. @default 2,000 */
  readonly flushMs?: number | undefined;
  /**
   * Where problems are reported, each kind once a minute at most: an unreachable tracer, dropped messages.
   * @default "stderr"
   */
  readonly problems?: "stderr" | "ignore" | undefined;
}

/** The same as the forwarder's. */
const defaultQueueSize = 10_000;
const defaultQueueCharacters = 16 * 1_048_576;

/** What pino tells a transport about its logger. */
interface PinoConfig extends Writable {
  readonly levels?: { readonly labels: Readonly<Record<string, string>> };
  readonly messageKey?: string;
}

/**
 * A pino transport: runs in pino's worker thread and sends a program's lines to a tracer. When the program ends, queued
 * lines are sent for `flushMs` at most.
 * @throws AddressError for an invalid address, RangeError for limits below 1, TypeError for an invalid severity of a
 * level
 */
export default async function pinoTransport(options: PinoTransportOptions): Promise<Writable> {
  const {
    name: namespace,
    prefix,
    severities: ownSeverities = {},
    flushMs = 2_000,
    problems = "stderr",
    queueSize = defaultQueueSize,
    queueCharacters = defaultQueueCharacters,
  } = options;
  for (const [level, severity] of Object.entries(ownSeverities))
    if (!severities.includes(severity)) throw new TypeError(`level ${level}: ${severity} is not a severity`);
  const onProblem = problems === "stderr" ? reportProblem : undefined;
  const forwarder = openForwarder({ ...options, queueSize, queueCharacters, onProblem });
  const backPressure = new BackPressure({
    forwarder,
    most: Math.max(1, Math.floor(queueSize / 2)),
    mostCharacters: queueCharacters,
  });
  // Only receives the logger's configuration: no line is written to it.
  const config: PinoConfig = await build(() => {}, { expectPinoConfig: true });
  const { messageKey = "msg", levels: { labels = {} } = {} } = config;
  const form: LineForm = { namespace, prefix, severities: ownSeverities, labels, messageKey };
  const lines = new LineWriter({
    take: (line) => forwarder.trace(traceOfText(line, form)),
    roomFor: (length) => backPressure.roomFor(length),
    close: () => forwarder.close({ deadlineMs: flushMs }),
  });
  config.once("error", (error) => lines.destroy(error));
  // Pino's `flush` calls this one and waits for it.
  return Object.assign(lines, { flush: () => backPressure.flushed(flushMs) });
}

function reportProblem({ message }: ForwarderProblem): void {
  try {
    // A worker's `process.stderr` goes through the main thread, which waits for this worker when it exits.
    writeSync(2, `muninn/pino: ${message}\n`);
  } catch {
    // Nobody reads stderr.
  }
}
