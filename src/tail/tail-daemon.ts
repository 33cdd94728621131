import { setTimeout as sleep } from "node:timers/promises";
import type { RawData, WebSocket } from "ws";
import type { DaemonAddress } from "./daemon-address.js";
import type { LineFilter } from "./line-filter.js";
import { TailError } from "./tail-error.js";
import { severityNamed, type TracedLine, timeOf } from "./traced-line.js";
import { refuseUnknownNodes } from "./unknown-node.js";

/** Which of the lines that a running daemon receives are shown. */
export interface DaemonToTail {
  readonly address: DaemonAddress;
  /** Names of nodes; none means all. */
  readonly nodes: readonly string[];
  readonly filter: Omit<LineFilter, "since">;
  /** A regular expression (RE2), applied by the daemon. */
  readonly grep?: string | undefined;
  /** Called when the connection is lost, and when it is back. */
  readonly remark: (sentence: string) => void;
  /** Waits before another attempt to connect. @default sleeps */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** What a daemon sent. */
export interface DaemonLines {
  readonly lines: readonly TracedLine[];
  /** How many lines before these it left out, because they were not read in time, or it was busy. */
  readonly missed: number;
}

const timeoutMs = 10_000;
/** A message is at most 256 KiB, or one object. */
const maxMessageBytes = 16 * 1024 * 1024;
/** Most messages that wait here; more stay with the daemon, which counts those it has no room for. */
const mostWaiting = 8;
const leastPauseMs = 500;
const mostPauseMs = 10_000;
/** The daemon pings every 15 s; if it does not, it is gone. */
const silenceMs = 45_000;

/** Close codes after which connecting again is useless. */
const refusals: ReadonlyMap<number, string> = new Map([
  [4001, "there are too many viewers already"],
  [4002, "cannot do what was asked"],
]);

/**
 * The lines that a daemon receives from now on, without end; no file is read. It reconnects when the connection is lost. While
 * lines are not consumed, nothing is read from the daemon, which counts what it leaves out.
 * @throws TailError if a node is unknown, the first attempt fails, or the daemon refuses
 */
export async function* tailDaemon(options: DaemonToTail): AsyncGenerator<DaemonLines> {
  const { address, nodes, remark, pause = (ms) => sleep(ms) } = options;
  if (nodes.length > 0) refuseUnknownNodes(nodes, await knownNodes(address), `at ${address.base.href}`);
  const { WebSocket } = await import("ws");
  const url = liveAddress(options);
  let pauseMs = leastPauseMs;
  for (let wasOpen = false; ; ) {
    const socket = new WebSocket(url, {
      headers: address.headers,
      handshakeTimeout: timeoutMs,
      maxPayload: maxMessageBytes,
      perMessageDeflate: false,
    });
    const messages = new LiveMessages(socket);
    try {
      await messages.opened;
      if (wasOpen) remark(`connected to ${address.base.href} again; what came in between is not shown`);
      wasOpen = true;
      pauseMs = leastPauseMs;
      yield* messages.all();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (!wasOpen || error.isFinal)
        throw new TailError("no-daemon", `${address.base.href}: ${error.message}`);
      remark(`lost ${address.base.href}: ${error.message}; retrying`);
    } finally {
      socket.terminate();
    }
    await pause(pauseMs);
    pauseMs = Math.min(2 * pauseMs, mostPauseMs);
  }
}

function liveAddress({ address, nodes, filter, grep }: DaemonToTail): URL {
  const url = new URL("api/live", address.base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  for (const node of nodes) url.searchParams.append("node", node);
  for (const namespace of filter.namespaces ?? []) url.searchParams.append("namespace", namespace);
  if (filter.severity !== undefined) url.searchParams.set("severity", filter.severity);
  if (grep !== undefined) url.searchParams.set("regex", grep);
  return url;
}

/** The nodes that are connected, or were recently. */
async function knownNodes({ base, headers }: DaemonAddress): Promise<string[]> {
  const url = new URL("api/overview", base);
  let nodes: unknown;
  try {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) throw new ConnectionError(statusText(answer.status), true);
    ({ nodes } = (await answer.json()) as { nodes?: unknown });
  } catch (error) {
    const { message, cause } = error as Error;
    throw new TailError("no-daemon", `${base.href}: ${cause instanceof Error ? cause.message : message}`);
  }
  if (!Array.isArray(nodes))
    throw new TailError("no-daemon", `${url.href}: does not answer as muninn.ui does`);
  return nodes.flatMap(({ name }: { name?: unknown }) => (typeof name === "string" ? [name] : []));
}

function statusText(status: number): string {
  if (status === 401)
    return "asks for a credential (401); give --token-file, or name and password in the address";
  if (status === 404) return "is not the address of muninn.ui (404)";
  return `answers with status ${status}`;
}

/** The connection failed or ended; `isFinal`: connecting again would end the same way. */
class ConnectionError extends Error {
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** The messages of one connection; a few wait to be consumed. */
class LiveMessages {
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #waiting: RawData[] = [];
  #failure: ConnectionError | undefined;
  #wake: () => void = () => {};
  #silence: NodeJS.Timeout;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    // While nothing is read, silence means nothing; the timer starts again when reading does.
    const silent = () => socket.isPaused || this.#fail("it has been silent for too long");
    this.#silence = setTimeout(silent, silenceMs).unref();
    const alive = () => this.#silence.refresh();
    socket.on("ping", alive);
    socket.on("message", (data) => {
      alive();
      this.#waiting.push(data);
      if (this.#waiting.length >= mostWaiting) socket.pause();
      this.#wake();
    });
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("close", (code, reason) => {
      const refusal = refusals.get(code);
      const why = reason.length === 0 ? "" : `: ${reason}`;
      this.#fail(
        refusal === undefined ? `it closed the connection (${code}${why})` : `${refusal}${why}`,
        refusal !== undefined,
      );
    });
    this.opened = new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("unexpected-response", (request, { statusCode = 0 }) => {
        request.destroy();
        this.#fail(statusText(statusCode), statusCode < 500);
        reject(this.#failure);
      });
      socket.once("close", () => reject(this.#failure));
    });
  }

  /** @throws ConnectionError when the connection has ended */
  async *all(): AsyncGenerator<DaemonLines> {
    for (;;) {
      const data = this.#waiting.shift();
      if (data !== undefined) {
        yield linesIn(String(data));
        continue;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#socket.isPaused) {
        this.#silence.refresh();
        this.#socket.resume();
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #fail(message: string, isFinal = false): void {
    clearTimeout(this.#silence);
    this.#failure ??= new ConnectionError(message, isFinal);
    this.#wake();
  }
}

/** @throws ConnectionError for messages that no daemon sends */
function linesIn(message: string): DaemonLines {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    throw unexpectedMessage();
  }
  if (typeof parsed !== "object" || parsed === null) throw unexpectedMessage();
  const { objects = [], missed = 0, skipped = 0 }: Partial<Record<string, unknown>> = parsed;
  if (!Array.isArray(objects) || typeof missed !== "number" || typeof skipped !== "number")
    throw unexpectedMessage();
  return { lines: objects.map(tracedLine), missed: missed + skipped };
}

function unexpectedMessage(): ConnectionError {
  return new ConnectionError("it does not answer as muninn.ui does", true);
}

function tracedLine(object: unknown): TracedLine {
  const fields = (typeof object === "object" && object !== null ? object : {}) as Readonly<
    Record<string, unknown>
  >;
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : "");
  const line = {
    node: text("node"),
    at: timeOf(fields.at) ?? 0n,
    severity: severityNamed(fields.severity),
    namespace: text("namespace"),
    host: text("host"),
    thread: text("thread"),
    form: "machine" as const,
    text: text("machine"),
  };
  return text("human") === "" ? line : { ...line, human: text("human") };
}
