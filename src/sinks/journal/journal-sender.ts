import { setTimeout as pause } from "node:timers/promises";
import { LibcError } from "./libc.js";
import type { MessageTable } from "./message-table.js";

/** Entries that are sent to journald together: many in a table, or one that is too large for a datagram. */
export type Frame = { readonly table: MessageTable } | { readonly large: Uint8Array };

/** What the sender needs of `JournalSocket`. */
export interface EntrySocket {
  /** Most datagrams that its queue holds, as far as is known. */
  readonly queueLimit: number;
  send(messages: Uint8Array, count: number): Promise<number>;
  sendLarge(entry: Uint8Array): Promise<void>;
  unreadBytes(): number;
  isHeld(): boolean;
  close(): void;
}

export interface JournalSenderOptions<Sent extends Frame> {
  /** @throws if there is no receiver */
  readonly connect: () => EntrySocket;
  /** The next entries to send, if there are any. */
  readonly next: () => Sent | undefined;
  /** journald has read this many more entries of the oldest frame; after its last entry its memory can be reused. */
  readonly read: (frame: Sent, entries: number) => void;
  /** An error in Muninn: all current frames are given up, later ones are sent. */
  readonly failed: (error: unknown) => void;
}

/** Why entries do not get to journald. */
export interface SendFault {
  /** Milliseconds since 1970. */
  readonly since: number;
  /**
   * `full`: the receiver does not read; `absent`: no process holds the socket; `refused`: the kernel rejects the entry.
   */
  readonly kind: "full" | "absent" | "refused";
  /** Such as `ECONNREFUSED`. */
  readonly code: string;
}

export interface SenderCounters {
  /** Entries that journald has read, and their bytes. */
  entries: number;
  bytes: number;
  /** Failed attempts. */
  retries: number;
  /** Entries sent again, of which journald may have read some before it went away. */
  possiblyDoubled: number;
}

interface Place<Sent> {
  readonly frame: Sent;
  readonly count: number;
  sent: number;
  read: number;
}

/** Most frames at once: journald's queue may hold some, one is being sent, one is next. */
const mostFrames = 6;
/** Least kernel memory of a datagram in addition to its bytes: `struct sk_buff` and `skb_shared_info`. */
const datagramOverhead = 512;
/** After this long without progress a fault is reported. */
const stalledAfterMs = 1_000;
const firstPauseMs = 1;
const longestPauseMs = { unread: 50, retry: 500 } as const;
/** The socket is full or the kernel lacks a resource; the connection itself is fine. */
const passing: readonly string[] = ["EAGAIN", "EINTR", "ENOBUFS", "ENOMEM", "EMFILE", "ENFILE", "ENOSPC"];

/**
 * Sends entries to journald in order, one call at a time. The contents of a socket's queue are lost if journald goes away and
 * no other process holds the socket. So an entry counts as read only when journald has read it and the next one from the
 * queue while the socket was still held; the others are sent again. So none is lost, and if journald ends like this, entries
 * that it read last may be doubled. systemd itself holds the socket across a restart of journald: then none is doubled
 * either.
 */
export class JournalSender<Sent extends Frame> {
  readonly counters: SenderCounters = { entries: 0, bytes: 0, retries: 0, possiblyDoubled: 0 };
  readonly #options: JournalSenderOptions<Sent>;
  readonly #stopping = new AbortController();
  #socket: EntrySocket | undefined;
  #places: Place<Sent>[] = [];
  /** Entries sent since the beginning, and how many of them journald has read. */
  #sent = 0;
  #read = 0;
  /** How many it has read, provided that the socket was held when we checked. */
  #supposed = 0;
  /** The most entries ever found unread: in another network namespace we cannot know the queue's limit. */
  #mostUnreadSeen = 0;
  #fault: SendFault | undefined;
  #progressAt = 0;
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: JournalSenderOptions<Sent>) {
    this.#options = options;
  }

  get fault(): SendFault | undefined {
    return this.#fault;
  }

  /** Frames that are not completely read, each with the number of its entries that are sent and not read. */
  *unread(): Generator<readonly [frame: Sent, entries: number]> {
    for (const { frame, sent, read } of this.#places) yield [frame, sent - read];
  }

  /** Starts sending, if there is something to send. */
  start(): void {
    if (this.#isRunning || this.#stopping.signal.aborted) return;
    this.#isRunning = true;
    this.#progressAt = performance.now();
    this.#running = this.#run().catch((error: unknown) => {
      this.#disconnect();
      this.#places = [];
      this.#isRunning = false;
      this.#options.failed(error);
    });
  }

  /** Stops sending; entries that the socket has accepted stay in it. Idempotent; waits for a running call. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const place = this.#unsent();
      if (place === undefined && this.#sent === this.#read) {
        // Set in the same step as the check for more: entries added from now on start it again.
        this.#isRunning = false;
        return;
      }
      try {
        this.#socket ??= this.#options.connect();
        await (place === undefined ? this.#awaitReader(this.#socket) : this.#send(this.#socket, place));
        failures = 0;
      } catch (error) {
        failures += 1;
        await this.#afterFailure(codeOf(error), failures);
      }
    }
  }

  /** The first place with something to send, from a new frame if need be. */
  #unsent(): Place<Sent> | undefined {
    return this.#places.find(({ sent, count }) => sent < count) ?? this.#take();
  }

  #take(): Place<Sent> | undefined {
    if (this.#places.length >= mostFrames) return undefined;
    const frame = this.#options.next();
    if (frame === undefined) return undefined;
    const place = { frame, count: "table" in frame ? frame.table.count : 1, sent: 0, read: 0 };
    this.#places.push(place);
    return place;
  }

  async #send(socket: EntrySocket, place: Place<Sent>): Promise<void> {
    const sending = transfer(socket, place);
    // The next frame is made while this one is being sent.
    if (this.#places.at(-1) === place) this.#take();
    const entries = await sending;
    place.sent += entries;
    this.#sent += entries;
    this.#progress();
    const unread = this.#mostUnread(socket);
    this.#mostUnreadSeen = Math.max(this.#mostUnreadSeen, unread);
    // The socket was held until now, so the assumption is true; and no queue holds more than its limit. The last entry
    // that journald read may not be stored yet.
    const queueLimit = Math.max(socket.queueLimit, this.#mostUnreadSeen);
    this.#confirm(Math.max(this.#supposed, this.#sent - queueLimit - 1));
    this.#supposed = Math.max(this.#read, this.#sent - unread - 1);
  }

  /** Waits while everything is sent and not everything is read. @throws if the socket is gone */
  async #awaitReader(socket: EntrySocket): Promise<void> {
    for (let look = 0, wasRead = false; !this.#stopping.signal.aborted; look += 1) {
      const unread = this.#mostUnread(socket);
      this.#supposed = this.#sent - (unread === 0 && wasRead ? 0 : unread + 1);
      wasRead = unread === 0;
      if (!socket.isHeld()) throw new LibcError("send", "ECONNREFUSED");
      if (this.#supposed > this.#read) this.#progress();
      this.#confirm(this.#supposed);
      if (this.#sent === this.#read) return;
      this.#waiting("EAGAIN");
      await this.#pause(look, longestPauseMs.unread);
      if (this.#unsent() !== undefined) return;
    }
  }

  async #afterFailure(code: string, failures: number): Promise<void> {
    this.counters.retries += 1;
    // The call itself has waited for the full socket.
    if (code === "EAGAIN" || code === "EINTR") return this.#waiting(code);
    if (passing.includes(code) || this.#socket?.isHeld() === true) {
      this.#fault ??= { since: Date.now(), kind: "refused", code };
    } else {
      this.#fault ??= { since: Date.now(), kind: "absent", code };
      this.#disconnect();
    }
    await this.#pause(failures, longestPauseMs.retry);
  }

  /** Nothing more of this connection will be read. */
  #disconnect(): void {
    this.counters.possiblyDoubled += this.#sent - this.#read;
    this.#sent = this.#read;
    this.#supposed = this.#read;
    for (const place of this.#places) place.sent = place.read;
    this.#socket?.close();
    this.#socket = undefined;
  }

  #progress(): void {
    this.#progressAt = performance.now();
    this.#fault = undefined;
  }

  #waiting(code: string): void {
    if (performance.now() - this.#progressAt < stalledAfterMs) return;
    this.#fault ??= { since: Date.now() - stalledAfterMs, kind: "full", code };
  }

  /** Sets how many of all entries ever sent are read. */
  #confirm(read: number): void {
    while (this.#read < read) {
      const place = this.#places[0]!;
      const until = Math.min(place.count, place.read + read - this.#read);
      const entries = until - place.read;
      for (; place.read < until; place.read += 1) this.counters.bytes += bytesOf(place.frame, place.read);
      this.counters.entries += entries;
      this.#read += entries;
      if (place.read === place.count) this.#places.shift();
      this.#options.read(place.frame, entries);
    }
  }

  /** Most of the sent entries that may still be unread. */
  #mostUnread(socket: EntrySocket): number {
    let bytes = socket.unreadBytes();
    let entries = 0;
    for (const { frame, sent, read } of this.#places.toReversed()) {
      for (let index = sent - 1; index >= read; index -= 1) {
        bytes -= datagramOverhead + datagramBytes(frame, index);
        if (bytes < 0) return entries;
        entries += 1;
      }
    }
    return entries;
  }

  async #pause(failures: number, longestMs: number): Promise<void> {
    const ms = Math.min(firstPauseMs * 2 ** failures, longestMs);
    await pause(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

async function transfer<Sent extends Frame>(
  socket: EntrySocket,
  { frame, sent, count }: Place<Sent>,
): Promise<number> {
  try {
    if ("table" in frame) return await socket.send(frame.table.messagesFrom(sent), count - sent);
    await socket.sendLarge(frame.large);
  } catch (error) {
    // Below the size that is always sent as a file, but too large for this socket.
    if (!("table" in frame) || codeOf(error) !== "EMSGSIZE") throw error;
    await socket.sendLarge(frame.table.entry(sent));
  }
  return 1;
}

function bytesOf(frame: Frame, index: number): number {
  return "table" in frame ? frame.table.lengthOf(index) : frame.large.length;
}

/** A large entry's datagram is empty. */
function datagramBytes(frame: Frame, index: number): number {
  return "table" in frame ? frame.table.lengthOf(index) : 0;
}

/** @throws the error itself if it is not the system's */
function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && "string" === typeof error.code) return error.code;
  throw error;
}
