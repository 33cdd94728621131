import {
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";
import { bytesOf, decodeResponse } from "./log-records.js";

/** The outcome of a request. */
export type Outcome =
  | {
      readonly kind: "accepted";
      /** Records that the collector rejected for good. */
      readonly rejected: number;
      readonly reason: string;
      /** The whole request was sent, so its memory is no longer read: a collector may answer before that. */
      readonly isSent: boolean;
    }
  /** It may be sent again, after this many milliseconds at least. */
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number }
  /** It must not be sent again. */
  | { readonly kind: "refused"; readonly reason: string };

/** Certificates and further headers, read from files. */
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
  readonly version: string;
  /** Most connections at once. */
  readonly maxSockets: number;
}

const compress = promisify(gzip);
/** Level 1 saves three quarters of what level 6 saves, in half the time. */
const gzipLevel = 1;
/** Most bytes of an answer that are read; usually it has only a few. */
const maxAnswerBytes = 64 * 1_024;
/** By OTLP/HTTP, only these mean that the same request may be accepted later. */
const retryable: readonly number[] = [429, 502, 503, 504];
const longestRetryAfterMs = 10 * 60_000;

/** Posts requests to one collector, according to OTLP/HTTP. */
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

  /** Sends a request given in pieces. Never rejects. */
  async post(message: readonly Uint8Array[], signal: AbortSignal): Promise<Outcome> {
    const { compression } = this.#options;
    try {
      const body =
        compression === "gzip" ? [await compress(Buffer.concat(message), { level: gzipLevel })] : message;
      return await this.#send(body, signal);
    } catch (error) {
      return { kind: "retry", reason: (error as Error).message };
    }
  }

  /** Closes idle connections. */
  stop(): void {
    this.#agent.destroy();
  }

  #send(body: readonly Uint8Array[], signal: AbortSignal): Promise<Outcome> {
    const { url, compression, timeoutMs, version } = this.#options;
    const { headers, ...certificates } = this.#credentials;
    const options: RequestOptions = {
      method: "POST",
      agent: this.#agent,
      signal,
      headers: {
        "content-type": "application/x-protobuf",
        "content-length": bytesOf(body),
        // Without it any encoding would be allowed.
        "accept-encoding": "gzip",
        "user-agent": `muninn/${version}`,
        ...(compression === "gzip" && { "content-encoding": "gzip" }),
        ...headers,
      },
      ...certificates,
    };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options, (answer) => {
        // A failure from here on concerns only the answer's body.
        request.off("error", reject).on("error", () => {});
        void outcomeOf(answer, () => request.writableFinished).then(resolve);
      });
      request.once("error", reject);
      // The time begins here: before that the request may have waited for a free connection.
      request.once("socket", () => {
        const late = () => request.destroy(new Error(`no answer within ${timeoutMs} ms`));
        const timer = setTimeout(late, timeoutMs);
        request.once("close", () => clearTimeout(timer));
      });
      for (const piece of body) request.write(piece);
      request.end();
    });
  }
}

/** The status decides; the rest of an answer is for people, except the number of rejected records. */
async function outcomeOf(answer: IncomingMessage, isSent: () => boolean): Promise<Outcome> {
  const { statusCode: status = 0, headers } = answer;
  const body = await bodyOf(answer);
  if (status >= 200 && status < 300) return acceptedBy(body, isSent());
  // Redirects are not followed: only the configuration decides where traces and secrets go.
  const moved = status >= 300 && status < 400 ? ` (moved to ${shown(headers.location ?? "nowhere")})` : "";
  const text = shown(body.toString("latin1"));
  const reason = `status ${status}${moved}${text === "" ? "" : `: ${text}`}`;
  if (!retryable.includes(status)) return { kind: "refused", reason };
  const afterMs = retryAfterMs(headers["retry-after"]);
  return { kind: "retry", reason, ...(afterMs !== undefined && { afterMs }) };
}

/** As much as can be read of a body, which may break off, stall or never end. */
async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Leaving the loop early closes the connection.
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) break;
      chunks.push(chunk);
    }
  } catch {
    // The status is known.
  }
  const body = Buffer.concat(chunks);
  return answer.headers["content-encoding"] === "gzip" ? inflated(body) : body;
}

/** Empty if it is not gzip, or too long. */
function inflated(body: Buffer): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: maxAnswerBytes });
  } catch {
    return Buffer.alloc(0);
  }
}

function acceptedBy(body: Uint8Array, isSent: boolean): Outcome {
  try {
    const { rejected, message } = decodeResponse(body);
    return { kind: "accepted", rejected, reason: message, isSent };
  } catch {
    // The status says that the request was accepted; the body is unreadable.
    return { kind: "accepted", rejected: 0, reason: "", isSent };
  }
}

/** The readable part of an answer, whether text or protobuf. */
function shown(text: string): string {
  return text
    .replace(/[^ -~]+/g, " ")
    .trim()
    .slice(0, 200);
}

/** `Retry-After` in seconds or as a date, capped so that a mistake does not cost too much. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const afterMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(afterMs) ? undefined : Math.min(Math.max(0, afterMs), longestRetryAfterMs);
}
