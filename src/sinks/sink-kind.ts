import type { HandleRegistry } from "../registry/handle-registry.js";
import type { Sink } from "./sink.js";

/** The log for what operators should know; each line has an event name and facts. */
export interface SinkLog {
  debug(event: string, message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(event: string, message: string, facts?: Readonly<Record<string, unknown>>): void;
  notice(event: string, message: string, facts?: Readonly<Record<string, unknown>>): void;
  warning(event: string, message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(event: string, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** The parts of the tracer that a sink may use; their owner stops them. */
export interface SinkContext {
  readonly registry: HandleRegistry;
  readonly log: SinkLog;
  /** Muninn's. */
  readonly version: string;
  /** Reads a small text file, for credentials and the like, in 5 s at most. */
  readonly readFile: (file: string) => Promise<string>;
}

/**
 * One kind of sink: a folder below `sinks/` and a row in the table of `open-sinks.ts`. `Config` is the part of the
 * configuration that it reads.
 */
export interface SinkKind<Config> {
  readonly kind: string;
  /**
   * Opens every sink of this kind that the configuration asks for. A server that is away does not prevent opening: the
   * sink's health reports it.
   * @throws if a sink can never work as configured; then nothing stays open
   */
  open(config: Config, context: SinkContext): Promise<readonly Sink[]>;
}
