import { settledWithin } from "../../base/deadline.js";
import type { NodeIdentity } from "../../nodes/identity.js";
import type { TraceBatch } from "../../protocol/trace-batch.js";
import { type Dropped, type RequiredSink, SinkError, type SinkHealth, type SinkMetric } from "../sink.js";
import { type BatchFrame, EntryQueue } from "./entry-queue.js";
import { JournalSender, type SenderCounters } from "./journal-sender.js";
import { JournalSocket } from "./journal-socket.js";
import type { Libc } from "./libc.js";
import type { RateLimit } from "./rate-limit.js";
import { faultHealth, rateLimitHealth } from "./sink-health.js";

export interface JournalSinkOptions {
  readonly name: string;
  readonly format: "ForMachine" | "ForHuman";
  /** journald's datagram socket. */
  readonly socketPath: string;
  readonly libc: Libc;
  /** The rate limit above which journald may drop entries of this process. */
  readonly rateLimit?: RateLimit | undefined;
}

/** One `logging` section of mode JournalMode. An object is safe when journald has read it from its socket. */
export class JournalSink implements RequiredSink {
  readonly kind = "required";
  readonly whenStuck =
    "Check journald (systemctl status systemd-journald). Nothing is lost: sending continues when it reads.";
  readonly name: string;
  readonly metrics: readonly SinkMetric[];
  readonly #options: JournalSinkOptions;
  readonly #queue: EntryQueue;
  readonly #sender: JournalSender<BatchFrame>;
  readonly #startedAt = Date.now();
  #stopping: Promise<void> | undefined;

  constructor(options: JournalSinkOptions) {
    const { name, format, libc, socketPath } = options;
    this.name = name;
    this.#options = options;
    const queue = new EntryQueue(libc, format);
    this.#queue = queue;
    this.#sender = new JournalSender({
      connect: () => new JournalSocket(libc, socketPath),
      next: () => queue.next(),
      read: (frame, entries) => queue.read(frame, entries),
      failed: (error) => queue.fail(error),
    });
    this.metrics = journalMetrics(this.#sender.counters);
  }

  open(): void {}

  close(): void {}

  async write(node: NodeIdentity, batch: TraceBatch): Promise<Dropped | undefined> {
    if (this.#stopping !== undefined) throw new SinkError("stopped");
    const settled = this.#queue.add(node.name, batch);
    this.#sender.start();
    return settled;
  }

  drained(node: NodeIdentity): Promise<void> {
    return this.#queue.drained(node.name);
  }

  health(): SinkHealth {
    const { fault } = this.#sender;
    const { rateLimit, socketPath } = this.#options;
    if (fault !== undefined) return faultHealth(fault, socketPath);
    if (rateLimit !== undefined) return rateLimitHealth(rateLimit, this.#startedAt);
    return { state: "ok", since: this.#startedAt };
  }

  stop(options: { readonly deadlineMs: number }): Promise<void> {
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  async #stop({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    await settledWithin(this.#queue.empty(), deadlineMs);
    await this.#sender.stop();
    // journald reads what is in the socket's queue even after we have left.
    for (const [frame, entries] of [...this.#sender.unread()]) this.#queue.read(frame, entries);
    this.#queue.giveUp();
  }
}

function journalMetrics(counters: SenderCounters): readonly SinkMetric[] {
  const counter = (name: string, help: string, field: keyof SenderCounters): SinkMetric => ({
    name,
    help,
    type: "counter",
    read: () => [[{}, counters[field]]],
  });
  return [
    counter("muninn_journal_entries_total", "Entries that journald has read from its socket.", "entries"),
    counter("muninn_journal_bytes_total", "Size in bytes of the entries that journald has read.", "bytes"),
    counter(
      "muninn_journal_retries_total",
      "Failed attempts to send to journald; each is retried.",
      "retries",
    ),
    counter(
      "muninn_journal_possibly_doubled_entries_total",
      "Entries sent again after journald went away; some may be in the journal twice.",
      "possiblyDoubled",
    ),
  ];
}
