import type { MessageError, MessageFacts } from "../sinks/nats/message.js";
import type { SinkMetric } from "../sinks/sink.js";
import type { SinkLog } from "../sinks/sink-kind.js";

/** A trouble of one kind is reported once in this many milliseconds. */
const quietMs = 60_000;

/** What came out of the stream, and what did not. */
export class CollectCounts {
  messages = 0;
  objects = 0;
  /** Objects of batches that a killed predecessor had started to write. */
  finishedObjects = 0;
  #missing = 0;
  #torn = 0;
  #refused = 0;
  readonly #log: SinkLog;
  readonly #reportedAt = new Map<string, number>();

  constructor(log: SinkLog) {
    this.#log = log;
  }

  /** Objects before a message are not in the stream. */
  missing(subject: string, { node, first }: MessageFacts, count: number): void {
    this.#missing += count;
    this.#log.warning(
      "collect_gap",
      `${count} objects of node ${node.name} before its number ${first} are not in the stream: they were dropped before it, or it no longer has them`,
      { node: node.name, subject, first, missing: count },
    );
  }

  torn(subject: string, { node, first }: MessageFacts): void {
    this.#torn += 1;
    this.#log.warning("collect_torn", `a batch of node ${node.name} is only partly in the stream`, {
      node: node.name,
      subject,
      first,
    });
  }

  refused(subject: string, { message, fault }: MessageError): void {
    this.#refused += 1;
    if (performance.now() - (this.#reportedAt.get(fault.code) ?? Number.NEGATIVE_INFINITY) < quietMs) return;
    this.#reportedAt.set(fault.code, performance.now());
    this.#log.warning("collect_refused", `a message of ${subject} was skipped: ${message}`, { subject });
  }

  metrics(): SinkMetric[] {
    const counter = (name: string, help: string, read: () => number): SinkMetric => ({
      name: `muninn_collect_${name}_total`,
      help,
      type: "counter",
      read: () => [[{}, read()]],
    });
    return [
      counter("messages", "Messages read from the stream.", () => this.messages),
      counter("objects", "Trace objects of the stream that are written.", () => this.objects),
      counter(
        "finished_objects",
        "Trace objects among these whose batch a killed predecessor had started to write.",
        () => this.finishedObjects,
      ),
      counter(
        "missing_objects",
        "Trace objects that are not in the stream although later ones are.",
        () => this.#missing,
      ),
      counter("torn_batches", "Batches of which the stream has only some parts.", () => this.#torn),
      counter("refused_messages", "Messages that are not Muninn's or cannot be read.", () => this.#refused),
    ];
  }
}
