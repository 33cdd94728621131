import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TlsMaterial } from "../config/certificate.js";
import type { Endpoint } from "../config/config.js";
import type { EndpointAuth } from "../config/groups/auth.js";
import type { Answer } from "./answer.js";
import type { BodyBudget } from "./body-budget.js";
import type { SharedBodies } from "./shared-bodies.js";

/** A request that passed authorization. */
export interface EndpointRequest {
  /** GET or HEAD, unless the endpoint accepts others, too. */
  readonly method: string;
  /** Begins with `/`; without query and trailing slash. */
  readonly path: string;
  /** What follows the question mark, unchanged. */
  readonly query: string;
  /** Empty if there is none, or the endpoint accepts none. */
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  /** The address at which the client reached us, `host:port`. */
  readonly localAddress: string;
  /** Whether the client accepts compressed answers. */
  readonly gzip: boolean;
  /** Makes large answers. */
  readonly bodies: SharedBodies;
  /** Aborted when the client has left: for answers that take long to make. */
  readonly gone: AbortSignal;
}

/** Returns undefined for an unknown path. */
export type Route = (request: EndpointRequest) => Answer | undefined | Promise<Answer | undefined>;

/** Takes over a connection that asks for another protocol, or returns the status to refuse it with. */
type Upgrade = (message: IncomingMessage, socket: Duplex, head: Buffer, path: string) => number | undefined;

export interface HttpLimits {
  /** Longest request head, in bytes. @default 16_384 */
  readonly maxHeaderBytes?: number;
  /** Longest time for a request to arrive, in milliseconds. @default 10_000 */
  readonly requestTimeoutMs?: number;
  /** Longest time for an answer to be read, in milliseconds. @default 30_000 */
  readonly answerTimeoutMs?: number;
  /**
   * Bytes of answers that are being made or not yet read, all clients together. Beyond it the oldest readers are
   * disconnected, and further answers wait their turn. @default 67_108_864
   */
  readonly maxBodyBytes?: number;
  /** Most connections at a time; a further one replaces one that is waiting for a request, if there is one. @default 2_048 */
  readonly maxConnections?: number;
  /** Further connections, on which only health is answered. @default 16 */
  readonly reservedConnections?: number;
}

export interface EndpointOptions {
  readonly endpoint: Endpoint;
  /** The configuration field of the endpoint, such as `hasPrometheus`, for errors. */
  readonly field: string;
  /** Required if the endpoint has `forceSsl`. */
  readonly tls?: TlsMaterial;
  /** The credentials of clients; any one of them is enough. */
  readonly auth?: EndpointAuth | readonly EndpointAuth[];
  readonly limits?: HttpLimits;
  /** A budget that several endpoints share for answers that are being made or not yet read. @default one of its own, of `maxBodyBytes` */
  readonly budget?: BodyBudget;
  /** Called with errors in Muninn while answering; such a request gets status 500. */
  readonly onError?: (error: unknown, path: string) => void;
  /** Called when a request is refused for what it asks, how it is written, or for lack of room. */
  readonly onRefused?: (status: number, host: string) => void;
  /** Called when a connection is closed before its client has asked for anything. */
  readonly onClosed?: (reason: ClosedReason, host: string) => void;
}

/** Why: others needed the place while it was idle, there was no place for it, or its TLS handshake failed. */
export type ClosedReason = "gave-way" | "no-place" | "tls";

/** What an endpoint serves. */
export interface EndpointContent {
  readonly route: Route;
  /** Longest body of a request, in bytes; the route then gets every method. Absent: GET and HEAD only, without bodies. */
  readonly maxRequestBytes?: number;
  /** Whether a path is answered even if there are too many connections. */
  readonly isUrgent?: (path: string) => boolean;
  readonly upgrade?: Upgrade;
  /** Ends the connections that `upgrade` took over. */
  readonly onStop?: () => void;
}

/** What can change while an endpoint serves: an absent certificate or route stays as it is. */
export type EndpointChanges = Pick<EndpointOptions, "tls" | "auth"> & Partial<Pick<EndpointContent, "route">>;

export interface EndpointStats {
  readonly connections: number;
  /** Requests answered, by status; bounded by the few statuses we send. */
  readonly answers: ReadonlyMap<number, number>;
  /** Clients disconnected because they did not read their answer. */
  readonly slowReadersCut: number;
  /** Connections refused because there were too many, all of them busy. */
  readonly connectionsRefused: number;
  /** Other connections closed before their clients asked for anything. */
  readonly connectionsClosed: ReadonlyMap<Exclude<ClosedReason, "no-place">, number>;
}
