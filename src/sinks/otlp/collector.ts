import {
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { decodeResponse } from "./log-records.js";

/** What became of a request. */
export type Outcome =
  | {
      readonly kind: "taken" /** Records that the collector rejected for good. */;
      readonly rejected: number;
      readonly reason: string;
    }
  /** It may be sent again, after so many milliseconds at least. */
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number }
  /** It must not be sent again. */
  | { readonly kind: "refused"; readonly reason: string };

/** Certificates and further headers, as files hold them. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface CollectorOptions {
  readonly url: URL;
  readonly compression: "gzip" | "none";
  readonly timeoutMs: number;
  /** Connections at once. */
  readonly maxSockets: number;
}

const compress = promisify(gzip);
/** Level 1: three quarters of what level 6 saves, for half the time. */
const gzipLevel = 1;
/** An answer is a few bytes; whoever sends more is cut off. */
const maxAnswerBytes = 64 * 1_024;
/** OTLP/HTTP: these mean that the same request may be taken later, and no others. */
const retryable: readonly number[] = [429, 502, 503, 504];

/** Posts requests to one collector, as OTLP/HTTP says. */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #agent: HttpAgent;
  #credentials: Credentials;

  constructor(options: CollectorOptions, credentials: Credentials) {
    const { url, maxSockets } = options;
    this.#options = options;
    this.#credentials = credentials;
    const Agent = url.protocol === "https:" ? HttpsAgent : HttpAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets, maxFreeSockets: maxSockets });
  }

  use(credentials: Credentials): void {
    this.#credentials = credentials;
  }

  /** Never rejects. */
  async post(message: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    const { compression } = this.#options;
    try {
      const body = compression === "gzip" ? await compress(message, { level: gzipLevel }) : message;
      return await this.#send(body, signal);
    } catch (error) {
      return { kind: "retry", reason: (error as Error).message };
    }
  }

  /** Closes the connections that are idle. */
  stop(): void {
    this.#agent.destroy();
  }

  #send(body: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    const { url, compression, timeoutMs } = this.#options;
    const { headers, ...certificates } = this.#credentials;
    const options: RequestOptions = {
      method: "POST",
      agent: this.#agent,
      signal,
      headers: {
        "content-type": "application/x-protobuf",
        "content-length": body.length,
        ...(compression === "gzip" && { "content-encoding": "gzip" }),
        ...headers,
      },
      ...certificates,
    };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options, (answer) => {
        outcomeOf(answer).then(resolve, reject);
      });
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      // An answer that breaks off is an error of its own.
      request.once("close", () => clearTimeout(timer));
      request.once("error", reject);
      request.end(body);
    });
  }
}

async function outcomeOf(answer: IncomingMessage): Promise<Outcome> {
  const status = answer.statusCode ?? 0;
  const body = await bodyOf(answer);
  if (status >= 200 && status < 300) return takenBy(body);
  const reason = `status ${status}${shown(body)}`;
  if (!retryable.includes(status)) return { kind: "refused", reason };
  const afterMs = retryAfterMs(answer.headers["retry-after"]);
  return { kind: "retry", reason, ...(afterMs !== undefined && { afterMs }) };
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function takenBy(body: Uint8Array): Outcome {
  try {
    const { rejected, message } = decodeResponse(body);
    return { kind: "taken", rejected, reason: message };
  } catch {
    // It said that it took the request; what else it says nobody can read.
    return { kind: "taken", rejected: 0, reason: "" };
  }
}

/** What an answer says about itself: protobuf or text, of which the readable part is enough for people. */
function shown(body: Buffer): string {
  const text = body
    .toString("latin1")
    .replace(/[^ -~]+/g, " ")
    .trim()
    .slice(0, 200);
  return text === "" ? "" : `: ${text}`;
}

/** Seconds or a date, as HTTP has it. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const afterMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(afterMs) ? Math.max(0, afterMs) : undefined;
}
