import { writeSync } from "node:fs";
import type { Transform } from "node:stream";
import build from "pino-abstract-transport";
import {
  type ForwarderProblem,
  type OpenForwarderOptions,
  openForwarder,
} from "../forwarder/library/entry.js";
import { type Severity, severities } from "../protocol/trace-batch.js";
import { type LineForm, type PinoLine, traceOf } from "./line-trace.js";
import { Patience } from "./patience.js";

export type { Severity } from "../protocol/trace-batch.js";

/** What `pino({transport: {target: "muninn/pino", options}})` takes: `muninn/forwarder`'s options, and how lines become messages. */
export interface PinoTransportOptions extends Omit<OpenForwarderOptions, "onProblem"> {
  /** Stands before the name of each logger, with a dot between. @default nothing */
  readonly prefix?: string | undefined;
  /** Severities of your own levels, by label or number: `{notice: "Notice", 70: "Alert"}`. @default by the next lower level of pino's own */
  readonly severities?: Readonly<Record<string, Severity>> | undefined;
  /** How long the end of the program, or a `flush`, waits for the tracer, in milliseconds. @default 2,000 */
  readonly flushMs?: number | undefined;
  /** Where problems are told, each kind once a minute at most: a tracer that is not reached, messages dropped. @default "stderr" */
  readonly problems?: "stderr" | "ignore" | undefined;
}

/** As the forwarder's own. */
const usualQueueSize = 10_000;

interface PinoSource extends Transform {
  readonly levels?: { readonly labels: Readonly<Record<string, string>> };
  readonly messageKey?: string;
  flush?: () => Promise<void>;
}

/**
 * A transport of pino: runs in a worker thread of pino's and sends a program's lines to a tracer. What waits is sent when the
 * program ends, for `flushMs` at most.
 * @throws AddressError for an address that is none, RangeError for limits below 1, TypeError for a level's severity that is none
 */
export default async function pinoTransport(options: PinoTransportOptions): Promise<Transform> {
  const {
    prefix,
    severities: wished = {},
    flushMs = 2_000,
    problems = "stderr",
    queueSize = usualQueueSize,
  } = options;
  for (const [level, severity] of Object.entries(wished))
    if (!severities.includes(severity)) throw new TypeError(`level ${level}: ${severity} is not a severity`);
  const onProblem = problems === "stderr" ? tellProblem : undefined;
  const forwarder = openForwarder({ ...options, queueSize, onProblem });
  const patience = new Patience({ forwarder, most: Math.max(1, Math.floor(queueSize / 2)) });
  const { name: namespace } = options;

  const take = (source: PinoSource) => {
    const { labels = {} } = source.levels ?? {};
    const form: LineForm = {
      namespace,
      prefix,
      severities: wished,
      labels,
      messageKey: source.messageKey ?? "msg",
    };
    source.on("data", (line: PinoLine) => {
      forwarder.trace(traceOf(line, form));
      if (!patience.isTried) return;
      source.pause();
      void patience.relief().then(() => source.resume());
    });
    source.on("unknown", (line: string) => forwarder.trace({ namespace, human: line, data: { line } }));
  };
  const source: PinoSource = await build(take, {
    expectPinoConfig: true,
    close: () => forwarder.close({ deadlineMs: flushMs }),
  });
  // Pino's `flush` waits for this one's.
  source.flush = () => patience.flushed(flushMs);
  return source;
}

function tellProblem({ message }: ForwarderProblem): void {
  try {
    // A worker's own `process.stderr` goes through the main thread, which waits for us at its end.
    writeSync(2, `muninn/pino: ${message}\n`);
  } catch {
    // Nobody reads it.
  }
}
