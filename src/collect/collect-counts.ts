import type { MessageError, MessageFacts } from "../sinks/nats/message.js";
import type { SinkMetric } from "../sinks/sink.js";
import type { SinkLog } from "../sinks/sink-kind.js";
import { RateLimitedLines } from "../text/rate-limited-lines.js";

/** Counts what was read from the stream, and what was missing. */
export class CollectCounts {
  messages = 0;
  objects = 0;
  /** Objects of batches that a killed process had started to write. */
  finishedObjects = 0;
  /** Objects that arrived again, or with numbers already used. */
  repeatedObjects = 0;
  #missing = 0;
  #torn = 0;
  #refused = 0;
  #failed = 0;
  readonly #log: SinkLog;
  /** Anybody who may write to the stream can cause these. */
  readonly #lines = new RateLimitedLines();

  constructor(log: SinkLog) {
    this.#log = log;
  }

  /** Objects before a message are not in the stream. */
  missing(subject: string, { node, first }: MessageFacts, count: number): void {
    this.#missing += count;
    const write = (missing: number) =>
      this.#log.warning(
        "collect_gap",
        `${missing} objects of node ${node.name} before its number ${first} are not in the stream: they were dropped before it, or it no longer has them`,
        { node: node.name, subject, first, missing },
      );
    this.#lines.say("gap", subject, write, count);
  }

  torn(subject: string, { node, first }: MessageFacts): void {
    this.#torn += 1;
    this.#lines.say("torn", subject, (batches) =>
      this.#log.warning(
        "collect_torn",
        `${batches === 1 ? "a batch" : `${batches} batches`} of node ${node.name} ${batches === 1 ? "is" : "are"} only partly in the stream`,
        { node: node.name, subject, first, batches },
      ),
    );
  }

  refused(subject: string, { message, fault }: MessageError): void {
    this.#refused += 1;
    this.#lines.say(fault.code, "", (messages) =>
      this.#log.warning(
        "collect_refused",
        `${messages === 1 ? "a message was" : `${messages} messages were`} skipped, the last of ${subject}: ${message}`,
        { subject, messages },
      ),
    );
  }

  /** This many subjects are currently not read: there are too many, or too many new ones. */
  postponed(subjects: number): void {
    if (subjects === 0) return;
    this.#lines.say("postponed", "", () =>
      this.#log.warning(
        "collect_postponed",
        `${subjects} subjects of the stream are not read yet: there are too many, or too many of them are new`,
        { subjects },
      ),
    );
  }

  /** Reading a subject failed, and is tried again. */
  failed(): void {
    this.#failed += 1;
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
      counter("objects", "Trace objects of the stream that are written to files.", () => this.objects),
      counter(
        "finished_objects",
        "Trace objects of batches that a killed collector had begun to write and this one completed.",
        () => this.finishedObjects,
      ),
      counter(
        "missing_objects",
        "Trace objects missing from the stream although later ones are there.",
        () => this.#missing,
      ),
      counter("torn_batches", "Batches of which the stream has only some of the parts.", () => this.#torn),
      counter(
        "refused_messages",
        "Messages skipped because they are not Muninn's or cannot be read.",
        () => this.#refused,
      ),
      counter(
        "repeated_objects",
        "Trace objects that the stream has again, or with numbers that earlier ones had; they are not written.",
        () => this.repeatedObjects,
      ),
      counter("failed_reads", "Times that reading a subject failed; it is tried again.", () => this.#failed),
    ];
  }
}
