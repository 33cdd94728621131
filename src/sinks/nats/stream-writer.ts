import { setTimeout as delay } from "node:timers/promises";
import type { SinkHealth, SinkMetric } from "../sink.js";
import type { SinkLog } from "../sink-kind.js";
import type { NatsCredentials } from "./credentials.js";
import { NatsLink, type NatsSession, untilAborted } from "./link.js";
import { headerBytes, type MessageFacts, messageId, type Part, setHeaders } from "./message.js";
import { ensureStream, type StreamOptions } from "./stream.js";

export interface StreamWriterOptions {
  readonly servers: readonly string[];
  readonly stream: string;
  /** With `{slug}`. */
  readonly subject: string;
  readonly create: StreamOptions["create"] | undefined;
  readonly timeoutMs: number;
  readonly isRequired: boolean;
  readonly credentials: NatsCredentials;
  readonly log: SinkLog;
}

const firstPauseMs = 100;
const longestPauseMs = 2_000;
/** A problem is reported once in this many milliseconds. */
const quietMs = 60_000;
/** Acknowledgements and answers about the stream are much shorter. */
const mostMessageBytes = 2 ** 20;
/** A shorter failure is not a problem yet. */
const failingAfterMs = 2_000;

/** Sends messages to the stream, each until the stream has acknowledged it, and reports its health. */
export class StreamWriter {
  readonly #options: StreamWriterOptions;
  readonly #link: NatsLink;
  readonly #giveUp = new AbortController();
  readonly #startedAt = Date.now();
  readonly #counts = { messages: 0, objects: 0, bytes: 0, retries: 0, duplicates: 0 };
  #refusal: { readonly since: number; readonly reason: string } | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #wasReported = false;

  constructor(options: StreamWriterOptions) {
    const { servers, credentials, stream, create, subject, log } = options;
    this.#options = options;
    this.#link = new NatsLink({
      servers,
      name: "muninn",
      credentials,
      mostMessageBytes,
      prepare: async (session) => {
        if (create === undefined) return;
        const outcome = await ensureStream(session, { stream, subject, create });
        if (outcome === "made")
          log.notice("nats_stream_made", `stream ${stream} was absent and has been created`, { stream });
      },
      onFailed: (reason) => this.#reportFailure(reason),
      onConnected: (server) => {
        log.info("nats_connected", `connected to NATS at ${server}`, { server });
        if (this.#refusal === undefined) this.#recovered();
      },
    });
  }

  /** Sends a message until the stream has it; false if that was given up. Never rejects. */
  async publish(facts: MessageFacts, payload: Uint8Array): Promise<boolean> {
    let pauseMs = firstPauseMs;
    const { signal } = this.#giveUp;
    for (;;) {
      const session = await this.#link.connected(signal);
      if (session === undefined) return false;
      try {
        await this.#publishWhole(session, facts, payload);
        this.#counts.messages += 1;
        this.#counts.objects += facts.count;
        this.#counts.bytes += payload.length;
        this.#accepted();
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        this.#counts.retries += 1;
        // If the connection has ended, that is the problem, and the link reports it.
        if (session.over.aborted) continue;
        this.#refused(this.#reasonOf(error as Error));
        await delay(pauseMs, undefined, { signal }).catch(() => {});
        pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
      }
    }
  }

  metrics(): SinkMetric[] {
    const counter = (name: string, help: string, read: () => number): SinkMetric => ({
      name: `muninn_nats_${name}_total`,
      help,
      type: "counter",
      read: () => [[{}, read()]],
    });
    return [
      counter("messages", "Batches that the stream has acknowledged.", () => this.#counts.messages),
      counter("objects", "Trace objects that the stream has acknowledged.", () => this.#counts.objects),
      counter(
        "sent_bytes",
        "Size in bytes of the trace objects that the stream has acknowledged.",
        () => this.#counts.bytes,
      ),
      counter("retries", "Failed attempts to send a batch; each is retried.", () => this.#counts.retries),
      counter(
        "duplicates",
        "Messages that the stream already had when they were sent again.",
        () => this.#counts.duplicates,
      ),
      counter(
        "server_faults",
        "Connections closed because the server sent what no NATS server sends, or too much of it.",
        () => this.#link.serverFaults,
      ),
      {
        name: "muninn_nats_connected",
        help: "1 if there is a connection to a NATS server, otherwise 0.",
        type: "gauge",
        read: () => [[{}, this.#link.session === undefined ? 0 : 1]],
      },
    ];
  }

  health(): SinkHealth {
    const { stream, isRequired } = this.#options;
    const trouble = this.#link.failure ?? this.#refusal;
    if (trouble === undefined || Date.now() - trouble.since < failingAfterMs)
      return { state: "ok", since: this.#startedAt };
    const advice =
      this.#link.failure === undefined
        ? "Create the stream, give it room, or fix its subjects (`nats stream info` shows it)."
        : "Start the NATS servers, or fix their addresses or credentials.";
    return {
      state: isRequired ? "failing" : "degraded",
      since: trouble.since,
      reason: `stream ${stream} accepts nothing, retrying: ${trouble.reason}`,
      action: isRequired
        ? `${advice} Nothing is lost: nodes are not asked for more until then.`
        : `${advice} Its queue is limited, and the oldest objects are dropped first.`,
    };
  }

  use(credentials: NatsCredentials): Promise<void> {
    return this.#link.use(credentials);
  }

  /** Ends every attempt. */
  giveUp(): void {
    this.#giveUp.abort();
  }

  async stop(): Promise<void> {
    this.giveUp();
    await this.#link.stop();
  }

  /** Cuts a payload into parts if it is larger than the server accepts; they are sent one after another. */
  async #publishWhole(session: NatsSession, facts: MessageFacts, payload: Uint8Array): Promise<void> {
    const most = Math.max(1_024, session.maxPayload - headerBytes(facts));
    if (payload.length <= most) return this.#publishOne(session, facts, payload);
    const of = Math.ceil(payload.length / most);
    for (let number = 1; number <= of; number += 1) {
      const piece = payload.subarray((number - 1) * most, number * most);
      await this.#publishOne(session, facts, piece, { number, of });
    }
  }

  async #publishOne(
    session: NatsSession,
    facts: MessageFacts,
    payload: Uint8Array,
    part?: Part,
  ): Promise<void> {
    const { stream, subject, timeoutMs } = this.#options;
    const stopped = AbortSignal.any([session.over, this.#giveUp.signal]);
    // Messages that the server does not read would be kept, again at each retry.
    for (let room = session.room(); room !== undefined && !stopped.aborted; room = session.room())
      await untilAborted(stopped, room);
    if (stopped.aborted) throw connectionEnded();
    const headers = session.newHeaders();
    setHeaders(headers, facts, part);
    const answer = session.jetStream.publish(subject.replace("{slug}", facts.node.slug), payload, {
      headers,
      msgID: messageId(facts, part),
      expect: { streamName: stream },
      timeout: timeoutMs,
    });
    // It may reject after we have stopped listening.
    answer.catch(() => {});
    await untilAborted(stopped, answer);
    if (stopped.aborted) throw connectionEnded();
    if ((await answer).duplicate) this.#counts.duplicates += 1;
  }

  #reasonOf({ name, message }: Error): string {
    const { stream, timeoutMs } = this.#options;
    if (name === "JetStreamNotEnabled")
      return `no stream accepts its subject: ${stream} is absent, has other subjects, or currently has no leader`;
    if (name === "TimeoutError") return `no acknowledgement within ${timeoutMs} ms`;
    return message;
  }

  #accepted(): void {
    if (this.#refusal === undefined) return;
    this.#refusal = undefined;
    this.#recovered();
  }

  #refused(reason: string): void {
    this.#refusal = { since: this.#refusal?.since ?? Date.now(), reason };
    this.#reportFailure(reason);
  }

  #reportFailure(reason: string): void {
    const now = performance.now();
    if (now - this.#reportedAt < quietMs) return;
    this.#reportedAt = now;
    this.#wasReported = true;
    const { stream, log } = this.#options;
    log.warning("nats_failed", `stream ${stream} accepts nothing, retrying: ${reason}`, { stream });
  }

  /** Reports it once for each reported problem; for a server that accepts now and then, at most once a minute. */
  #recovered(): void {
    if (!this.#wasReported) return;
    this.#wasReported = false;
    const { stream, log } = this.#options;
    log.notice("nats_recovered", `stream ${stream} accepts messages again`, { stream });
  }
}

function connectionEnded(): Error {
  return new Error("the connection ended before the acknowledgement");
}
