import {
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { bytesOf, decodeResponse } from "./log-records.js";

/** What became of a request. */
export type Outcome =
  | {
      readonly kind: "taken";
      /** Records that the collector rejected for good. */
      readonly rejected: number;
      readonly reason: string;
      /** Nothing of the request is read any more: some are answered before all of them was sent. */
      readonly isSent: boolean;
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
  readonly version: string;
  /** Connections at once. */
  readonly maxSockets: number;
}

const compress = promisify(gzip);
/** Level 1: three quarters of what level 6 saves, for half the time. */
const gzipLevel = 1;
/** An answer is a few bytes; no more of it is read. */
const maxAnswerBytes = 64 * 1_024;
/** OTLP/HTTP: these mean that the same request may be taken later, and no others. */
const retryable: readonly number[] = [429, 502, 503, 504];
const longestRetryAfterMs = 10 * 60_000;

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

  /** A request in pieces. Never rejects. */
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

  /** Closes the connections that are idle. */
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
        "user-agent": `muninn/${version}`,
        ...(compression === "gzip" && { "content-encoding": "gzip" }),
        ...headers,
      },
      ...certificates,
    };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options, (answer) => {
        // What fails from here on is what becomes of the answer's body.
        request.off("error", reject).on("error", () => {});
        void outcomeOf(answer, () => request.writableFinished).then(resolve);
      });
      request.once("error", reject);
      // What waits for a connection to be free has not been sent.
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

/** The status decides; what else an answer says is for people, but for what was rejected. */
async function outcomeOf(answer: IncomingMessage, isSent: () => boolean): Promise<Outcome> {
  const { statusCode: status = 0, headers } = answer;
  const body = await bodyOf(answer);
  if (status >= 200 && status < 300) return takenBy(body, isSent());
  // Nobody but the one who wrote the configuration may say where traces and secrets go.
  const moved = status >= 300 && status < 400 ? ` (moved to ${shown(headers.location ?? "nowhere")})` : "";
  const text = shown(body.toString("latin1"));
  const reason = `status ${status}${moved}${text === "" ? "" : `: ${text}`}`;
  if (!retryable.includes(status)) return { kind: "refused", reason };
  const afterMs = retryAfterMs(headers["retry-after"]);
  return { kind: "retry", reason, ...(afterMs !== undefined && { afterMs }) };
}

/** What came of a body that may break off, stall or have no end. */
async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Whoever leaves the loop early closes the connection.
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) break;
      chunks.push(chunk);
    }
  } catch {
    // The status was there.
  }
  return Buffer.concat(chunks);
}

function takenBy(body: Uint8Array, isSent: boolean): Outcome {
  try {
    const { rejected, message } = decodeResponse(body);
    return { kind: "taken", rejected, reason: message, isSent };
  } catch {
    // It said that it took the request; what else it says nobody can read.
    return { kind: "taken", rejected: 0, reason: "", isSent };
  }
}

/** Of protobuf or text the readable part is enough for people. */
function shown(text: string): string {
  return text
    .replace(/[^ -~]+/g, " ")
    .trim()
    .slice(0, 200);
}

/** Seconds or a date, as HTTP has it; no more than what a mistake may cost. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const afterMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(afterMs) ? undefined : Math.min(Math.max(0, afterMs), longestRetryAfterMs);
}
