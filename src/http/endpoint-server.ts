import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { serverTls } from "../tls/server-options.js";
import { type Answer, busyAnswer, notFound, textAnswer } from "./answer.js";
import { Authorization } from "./authorization.js";
import { bodyOf } from "./body.js";
import { BodyBudget } from "./body-budget.js";
import { ConnectionTable } from "./connection-table.js";
import type {
  ClosedReason,
  EndpointChanges,
  EndpointContent,
  EndpointOptions,
  EndpointStats,
  Route,
} from "./endpoint-options.js";
import { gateConnections } from "./gate-connections.js";
import { BytesAhead, GatedConnection } from "./gated-connection.js";
import { goneSignal } from "./gone-signal.js";
import { HttpError } from "./http-faults.js";
import { listen } from "./listen.js";
import { acceptsGzip } from "./negotiation.js";
import { isRefusal, refuseUnreadable } from "./refusals.js";
import { hasBody, RequestBodies } from "./request-body.js";
import { pathOf } from "./request-path.js";
import { sendInPieces } from "./send-in-pieces.js";
import { SharedBodies } from "./shared-bodies.js";
import { UnreadAnswers } from "./unread-answers.js";

/** Sent with every answer. */
const commonHeaders: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Prometheus usually scrapes once a minute or more often, and reuses its connection. */
const keepAliveMs = 75_000;

/** How long a refused client may take to read why, in milliseconds. */
const refusalMs = 900;

/** The same for what is always answered: it fits into any socket's buffer, unless the client has not read many before it. */
const urgentMs = 200;

/** Most bytes of requests that all clients together may send before their last one is answered. */
const maxBytesAhead = 8_388_608;

/** Slow readers that give way to a new connection when all places are taken. */
const mostCutAtOnce = 16;

/** How long a stop waits for unfinished answers, in milliseconds. */
const stopGraceMs = 500;

/**
 * Listens at an endpoint and answers with `route`. Everything that a client sends or leaves unread has a limit.
 *
 * @throws HttpError if it cannot listen at the address, or TLS is required without a certificate.
 */
export async function openEndpointServer(
  options: EndpointOptions & EndpointContent,
): Promise<EndpointServer> {
  const { endpoint, field, limits = {} } = options;
  const serverOptions = {
    maxHeaderSize: limits.maxHeaderBytes ?? 16_384,
    headersTimeout: limits.requestTimeoutMs ?? 10_000,
    requestTimeout: limits.requestTimeoutMs ?? 10_000,
    connectionsCheckingInterval: Math.min(1_000, limits.requestTimeoutMs ?? 1_000),
    keepAliveTimeout: keepAliveMs,
  };
  let server: Server | TlsServer;
  if (endpoint.forceSsl) {
    if (options.tls === undefined) throw new HttpError({ code: "certificate-missing", field });
    server = createTlsServer({
      ...serverOptions,
      ...options.tls,
      ...serverTls,
      handshakeTimeout: limits.requestTimeoutMs ?? 10_000,
    });
  } else {
    server = createServer(serverOptions);
  }
  await listen(server, endpoint, field);
  return new EndpointServer(server, options);
}

export class EndpointServer {
  readonly #server: Server | TlsServer;
  readonly #options: EndpointOptions & EndpointContent;
  #authorization: Authorization | undefined;
  #route: Route;
  readonly #budget: BodyBudget;
  #bodies: SharedBodies;
  readonly #unread: UnreadAnswers;
  /** Undefined if requests may have no body. */
  readonly #requestBodies: RequestBodies | undefined;
  readonly #answers = new Map<number, number>();
  readonly #closed = new Map<"gave-way" | "tls", number>([
    ["gave-way", 0],
    ["tls", 0],
  ]);
  readonly #connections: ConnectionTable;
  /** Connections that speak another protocol now, and how many may: they never give way, and pages need places, too. */
  #upgraded = 0;
  readonly #mostUpgraded: number;
  #stopped: Promise<void> | undefined;

  /** Serves on a server that has just started to listen. */
  constructor(server: Server | TlsServer, options: EndpointOptions & EndpointContent) {
    const { limits = {}, maxRequestBytes } = options;
    this.#server = server;
    this.#options = options;
    this.#authorization = options.auth && new Authorization(options.auth);
    this.#route = options.route;
    this.#budget = options.budget ?? bodyBudget(options);
    this.#bodies = new SharedBodies(this.#budget);
    this.#unread = new UnreadAnswers(this.#budget);
    this.#requestBodies = maxRequestBytes === undefined ? undefined : new RequestBodies(maxRequestBytes);
    const places = limits.maxConnections ?? 2_048;
    this.#mostUpgraded = places / 2;
    this.#connections = new ConnectionTable({
      places,
      reserve: limits.reservedConnections ?? 16,
      onClosed: ({ remoteAddress }, reason) => this.#onClosed(reason, remoteAddress),
      onFull: () => this.#unread.cutSlow(mostCutAtOnce),
    });
    const ahead = new BytesAhead({ maxBytes: maxBytesAhead });
    // Whatever arrives reaches HTTP one request at a time.
    gateConnections(
      server,
      (socket) => this.#connections.enter(socket),
      (socket, serve) => serve(new GatedConnection(socket, ahead)),
    );
    // A listening server reports errors of accepting here, and continues to listen.
    server.on("error", (error) => options.onError?.(error, ""));
    const handle = (message: IncomingMessage, response: ServerResponse) =>
      void this.#handle(message, response);
    server.on("request", handle);
    // A client may expect what it likes; HTTP's own refusal would not be counted.
    server.on("checkExpectation", handle);
    refuseUnreadable(server, {
      isBusy: (connection) => this.#connections.of(connection)?.isBusy === true,
      onRefused: (status, connection) => {
        this.#count(status);
        this.#refused(status, connection);
      },
      onHandshakeFailed: (connection) => this.#onClosed("tls", (connection as Socket).remoteAddress),
    });
    if (options.upgrade !== undefined) {
      server.on("upgrade", (message: IncomingMessage, connection: Duplex, head: Buffer) => {
        this.#upgrade(message, connection as GatedConnection, head);
      });
    }
  }

  /** Where it listens; a port given as 0 is the real one here. */
  get address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  stats(): EndpointStats {
    return {
      connections: this.#connections.size,
      answers: this.#answers,
      slowReadersCut: this.#unread.cut,
      connectionsRefused: this.#connections.refused,
      connectionsClosed: this.#closed,
    };
  }

  /** Breaks no connection: the certificate applies to new ones, everything else to all further requests. */
  reload({ tls, auth, route }: EndpointChanges): void {
    if ("setSecureContext" in this.#server && tls !== undefined) {
      this.#server.setSecureContext({ ...tls, ...serverTls });
    }
    this.#authorization = auth && new Authorization(auth);
    this.#route = route ?? this.#route;
    // Bodies made by the previous route may differ.
    this.#bodies = new SharedBodies(this.#budget);
  }

  /** Waits at most half a second for unfinished answers to be read, stops listening, and closes the remaining connections. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#options.onStop?.();
    const grace = setTimeout(() => this.#connections.destroyAll(), stopGraceMs);
    // Closing the server would cut off answers that clients have not read yet.
    await this.#unread.allRead();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    clearTimeout(grace);
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const place = this.#connections.of(message.socket);
    if (place !== undefined) this.#connections.setBusy(place, true);
    response.once("close", () => {
      if (place !== undefined) this.#connections.setBusy(place, false);
      (message.socket as Duplex as GatedConnection).nextRequest();
    });
    const path = pathOf(message);
    let answer: Answer;
    try {
      answer = this.#refusal(message, path) ?? (await this.#routed(message, response, path));
    } catch (error) {
      this.#options.onError?.(error, path ?? "");
      answer = textAnswer(500, "Internal error");
    }
    this.#send(message, response, answer, path);
  }

  /** The refusal of a request, if it is refused. */
  #refusal(message: IncomingMessage, path: string | undefined): Answer | undefined {
    if (this.#requestBodies === undefined && message.method !== "GET" && message.method !== "HEAD") {
      return textAnswer(405, "Only GET and HEAD", { Allow: "GET, HEAD" });
    }
    if (this.#authorization?.accepts(message.headers.authorization) === false) {
      return textAnswer(401, "Unauthorized", { "WWW-Authenticate": this.#authorization.challenge });
    }
    if (path === undefined) return textAnswer(400, "Bad request");
    if (this.#connections.isCrowded && this.#options.isUrgent?.(path) !== true) return busyAnswer();
    return undefined;
  }

  async #routed(
    message: IncomingMessage,
    response: ServerResponse,
    path: string | undefined,
  ): Promise<Answer> {
    const { localAddress = "", localPort = 0 } = message.socket;
    const host = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
    const answer = async (body: string) => {
      const answered = await this.#route({
        method: message.method ?? "GET",
        path: path!,
        query: /\?([^#]*)/.exec(message.url ?? "")?.[1] ?? "",
        headers: message.headers,
        localAddress: `${host}:${localPort}`,
        gzip: takesGzip(message),
        bodies: this.#bodies,
        body,
        // Few answers take long enough to ask.
        get gone() {
          return goneSignal(message, response);
        },
      });
      return answered ?? notFound(path!);
    };
    if (this.#requestBodies === undefined || !hasBody(message)) return answer("");
    return this.#requestBodies.answered(message, answer);
  }

  #send(message: IncomingMessage, response: ServerResponse, answer: Answer, path: string | undefined): void {
    this.#count(answer.status);
    const isBusy = answer.headers?.["Retry-After"] !== undefined;
    if (isRefusal(answer.status, { isBusy })) this.#refused(answer.status, message.socket);
    if (response.destroyed) return;
    const body =
      typeof answer.body === "string" ? bodyOf(answer.body, { gzip: takesGzip(message) }) : answer.body;
    const isFault = answer.status >= 400;
    response.writeHead(answer.status, {
      ...commonHeaders,
      "Content-Type": answer.contentType,
      "Content-Length": body.bytes,
      Vary: "Accept, Accept-Encoding",
      ...(body.encoding === "gzip" && { "Content-Encoding": "gzip" }),
      // An unread body would be parsed as the next request.
      ...((isFault || (hasBody(message) && !message.complete)) && { Connection: "close" }),
      ...answer.headers,
    });
    if (message.method === "HEAD") {
      response.end();
      return;
    }
    this.#unread.track(response, body, this.#readingMs(path, isFault));
    sendInPieces(response, body.chunks);
  }

  /** How long a client may take to read its answer; until then it keeps its place, though others may wait for one. */
  #readingMs(path: string | undefined, isFault: boolean): number {
    if (path !== undefined && this.#options.isUrgent?.(path) === true) return urgentMs;
    const { answerTimeoutMs = 30_000 } = this.#options.limits ?? {};
    return isFault ? refusalMs : answerTimeoutMs;
  }

  #refused(
    status: number,
    { remoteAddress = "unknown" }: { readonly remoteAddress?: string | undefined },
  ): void {
    this.#options.onRefused?.(status, remoteAddress);
  }

  #onClosed(reason: ClosedReason, host = "unknown"): void {
    // The table counts the others.
    if (reason !== "no-place") this.#closed.set(reason, this.#closed.get(reason)! + 1);
    this.#options.onClosed?.(reason, host);
  }

  #count(status: number): void {
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
  }

  #upgrade(message: IncomingMessage, connection: GatedConnection, head: Buffer): void {
    const place = this.#connections.of(connection);
    if (place !== undefined) this.#connections.setBusy(place, true);
    connection.on("error", () => connection.destroy());
    const path = pathOf(message);
    const refused = this.#refusal(message, path);
    const isFull = this.#upgraded >= this.#mostUpgraded;
    const status =
      refused?.status ?? (isFull ? 503 : this.#options.upgrade!(message, connection, head, path!));
    if (status === undefined) {
      this.#upgraded += 1;
      connection.once("close", () => {
        this.#upgraded -= 1;
      });
      connection.removeGate();
      return;
    }
    this.#count(status);
    if (isRefusal(status, { isBusy: true })) this.#refused(status, connection);
    const lines = Object.entries(refused?.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
    connection.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}Connection: close\r\nContent-Length: 0\r\n\r\n`,
    );
    connection.destroySoon();
  }
}

export function bodyBudget({ limits }: Pick<EndpointOptions, "limits">): BodyBudget {
  return new BodyBudget({ maxBytes: limits?.maxBodyBytes ?? 67_108_864 });
}

function takesGzip({ headers }: IncomingMessage): boolean {
  return acceptsGzip(headers["accept-encoding"]?.toString());
}
