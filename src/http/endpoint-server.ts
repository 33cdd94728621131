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
import { type Answer, notFound, textAnswer } from "./answer.js";
import { Authorization } from "./authorization.js";
import { bodyOf } from "./body.js";
import type {
  EndpointChanges,
  EndpointContent,
  EndpointOptions,
  EndpointStats,
  Route,
} from "./endpoint-options.js";
import { HttpError } from "./http-faults.js";
import { listen } from "./listen.js";
import { acceptsGzip } from "./negotiation.js";
import { UnreadAnswers } from "./unread-answers.js";

/** Sent with every answer. */
const commonHeaders: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Prometheus scrapes once a minute at most and likes to find its connection open. */
const keepAliveMs = 75_000;

/** How long a stop waits for answers under way. */
const stopGraceMs = 500;

/**
 * Listens at an endpoint and answers GET and HEAD by `route`. Whatever a client sends or does not read ends at a limit.
 *
 * @throws HttpError where the address cannot be listened at, or TLS is wanted without a certificate.
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
      minVersion: "TLSv1.2",
      handshakeTimeout: limits.requestTimeoutMs ?? 10_000,
    });
  } else {
    server = createServer(serverOptions);
  }
  server.maxConnections = limits.maxConnections ?? 2_048;
  await listen(server, endpoint, field);
  return new EndpointServer(server, options);
}

export class EndpointServer {
  readonly #server: Server | TlsServer;
  readonly #options: EndpointOptions & EndpointContent;
  #authorization: Authorization | undefined;
  #route: Route;
  readonly #unread: UnreadAnswers;
  readonly #answers = new Map<number, number>();
  /** Connections, also those that left HTTP for another protocol, which the server itself no longer knows. */
  readonly #sockets = new Set<Socket>();
  #connectionsRefused = 0;
  #stopped: Promise<void> | undefined;

  /** Serves on a server that has just begun to listen. */
  constructor(server: Server | TlsServer, options: EndpointOptions & EndpointContent) {
    this.#server = server;
    this.#options = options;
    this.#authorization = options.auth && new Authorization(options.auth);
    this.#route = options.route;
    this.#unread = new UnreadAnswers({
      deadlineMs: options.limits?.answerTimeoutMs ?? 30_000,
      maxBytes: options.limits?.maxUnreadBytes ?? 134_217_728,
    });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    // A listening server reports faults of accepting here; it goes on listening.
    server.on("error", (error) => options.onError?.(error, ""));
    server.on("drop", () => {
      this.#connectionsRefused += 1;
    });
    server.on("request", (message: IncomingMessage, response: ServerResponse) => {
      void this.#handle(message, response);
    });
    if (options.upgrade !== undefined) {
      server.on("upgrade", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
        this.#upgrade(message, socket, head);
      });
    }
  }

  /** Where it listens; the port is the real one where 0 was asked for. */
  get address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  stats(): EndpointStats {
    return {
      connections: this.#sockets.size,
      answers: this.#answers,
      slowReadersCut: this.#unread.cut,
      connectionsRefused: this.#connectionsRefused,
    };
  }

  /** Breaks no connection off: new ones get the certificate, where TLS is spoken; all requests get the rest. */
  reload({ tls, auth, route }: EndpointChanges): void {
    if ("setSecureContext" in this.#server && tls !== undefined) {
      this.#server.setSecureContext({ ...tls, minVersion: "TLSv1.2" });
    }
    this.#authorization = auth && new Authorization(auth);
    this.#route = route ?? this.#route;
  }

  /** Waits half a second at most for answers under way to be read, stops listening, and closes what is left. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#options.onStop?.();
    const grace = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, stopGraceMs);
    // Closing the server would break off whatever has been handed to its socket, read or not.
    await this.#unread.allRead();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    clearTimeout(grace);
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(message);
    let answer: Answer;
    try {
      answer = this.#refusal(message) ?? (await this.#routed(message, path));
    } catch (error) {
      this.#options.onError?.(error, path ?? "");
      answer = textAnswer(500, "Internal error");
    }
    this.#send(message, response, answer);
  }

  /** Why the request gets no further, if so. */
  #refusal(message: IncomingMessage): Answer | undefined {
    if (message.method !== "GET" && message.method !== "HEAD") {
      return textAnswer(405, "Only GET and HEAD", { Allow: "GET, HEAD", Connection: "close" });
    }
    if (this.#authorization?.accepts(message.headers.authorization) === false) {
      return textAnswer(401, "Unauthorized", { "WWW-Authenticate": this.#authorization.challenge });
    }
    return undefined;
  }

  async #routed(message: IncomingMessage, path: string | undefined): Promise<Answer> {
    if (path === undefined) return textAnswer(400, "Bad request");
    const { localAddress = "", localPort = 0 } = message.socket;
    const host = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
    const request = { path, headers: message.headers, localAddress: `${host}:${localPort}` };
    return (await this.#route(request)) ?? notFound(path);
  }

  #send(message: IncomingMessage, response: ServerResponse, answer: Answer): void {
    this.#answers.set(answer.status, (this.#answers.get(answer.status) ?? 0) + 1);
    if (response.destroyed) return;
    const gzip = acceptsGzip(message.headers["accept-encoding"]?.toString());
    const body = typeof answer.body === "string" ? bodyOf(answer.body, { gzip }) : answer.body;
    response.writeHead(answer.status, {
      ...commonHeaders,
      "Content-Type": answer.contentType,
      "Content-Length": body.bytes,
      Vary: "Accept, Accept-Encoding",
      ...(body.encoding === "gzip" && { "Content-Encoding": "gzip" }),
      ...answer.headers,
    });
    if (message.method === "HEAD") {
      response.end();
      return;
    }
    this.#unread.track(response, body);
    response.cork();
    for (const chunk of body.chunks) response.write(chunk);
    response.end();
  }

  #upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const path = pathOf(message);
    const refused = this.#refusal(message);
    const challenge = refused?.headers?.["WWW-Authenticate"];
    const status =
      refused?.status ?? (path === undefined ? 400 : this.#options.upgrade!(message, socket, head, path));
    if (status === undefined) return;
    const lines = challenge === undefined ? "" : `WWW-Authenticate: ${challenge}\r\n`;
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}Connection: close\r\nContent-Length: 0\r\n\r\n`,
    );
  }
}

/** Undefined where the target is no path at all. */
function pathOf(message: IncomingMessage): string | undefined {
  const target = message.url ?? "";
  let path = /^[^?#]*/.exec(target)![0];
  if (!path.startsWith("/")) {
    // A client that takes us for a proxy sends a whole URL.
    if (!URL.canParse(target)) return undefined;
    path = new URL(target).pathname;
  }
  let end = path.length;
  while (end > 1 && path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}
