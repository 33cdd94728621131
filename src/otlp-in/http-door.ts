import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsMaterial } from "../config/certificate.js";
import { readBody, unpacked } from "../http/admitted-body.js";
import { gateConnections } from "../http/gate-connections.js";
import { BytesAhead, GatedConnection } from "../http/gated-connection.js";
import { refuseUnreadable } from "../http/refusals.js";
import { serverTls } from "../tls/server-options.js";
import { Connections } from "./connections.js";
import { type Door, type Entrance, maxBodyBytes } from "./door.js";
import { type Encoding, encodeResponse, encodeStatus, type Signal } from "./schema.js";

const signals: Readonly<Record<string, Signal>> = { "/v1/logs": "logs", "/v1/metrics": "metrics" };
const encodings: Readonly<Record<string, Encoding>> = {
  "application/x-protobuf": "protobuf",
  "application/json": "json",
};
const contentTypes = { protobuf: "application/x-protobuf", json: "application/json" } as const;

/** How long a request may take to arrive. */
const requestTimeoutMs = 30_000;
const headersTimeoutMs = 10_000;
/** Exporters send every few seconds, and should find their connection still open. */
const keepAliveMs = 75_000;
/** Most bytes of pipelined requests, of all clients together. */
const maxBytesAhead = 8_388_608;
/** When a client may retry, in seconds. */
const retryAfterSeconds = 1;

/** A refusing answer: its HTTP status, and the gRPC code and message for the status in its body. */
interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const retry = { "Retry-After": String(retryAfterSeconds) };
const refusals = {
  path: { status: 404, code: 12, message: "OTLP is accepted at /v1/logs and /v1/metrics" },
  method: { status: 405, code: 12, message: "only POST", headers: { Allow: "POST" } },
  type: {
    status: 415,
    code: 3,
    message: "the content type must be application/x-protobuf or application/json",
  },
  coding: { status: 415, code: 3, message: "the content encoding must be gzip or none" },
  "too-large": { status: 413, code: 8, message: `a request may have ${maxBodyBytes} bytes, also unpacked` },
  busy: { status: 429, code: 8, message: "too much is waiting to be written", headers: retry },
  late: { status: 503, code: 14, message: "the request arrived too slowly", headers: retry },
  "cut-off": { status: 400, code: 3, message: "the body was cut off" },
  malformed: { status: 400, code: 3, message: "the body is not gzip" },
  stopping: { status: 503, code: 14, message: "Muninn is being stopped", headers: retry },
  failed: { status: 503, code: 14, message: "not all records are safe", headers: retry },
} as const satisfies Record<string, Refusal>;

/** Accepts OTLP over HTTP, as protobuf and JSON. */
export function openHttpDoor(door: Door, tls: TlsMaterial | undefined, maxConnections: number): HttpDoor {
  const options = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: 1_000,
  };
  const server =
    tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls, ...serverTls });
  return new HttpDoor(server, door, maxConnections);
}

export class HttpDoor implements Entrance {
  readonly transport = "http";
  readonly server: Server | TlsServer;
  readonly #door: Door;
  readonly #connections: Connections;
  /** Connections with a request that is not answered yet. */
  readonly #answering = new WeakSet<GatedConnection>();

  constructor(server: Server | TlsServer, door: Door, maxConnections: number) {
    this.server = server;
    this.#door = door;
    this.#connections = new Connections(maxConnections, door, "http");
    const ahead = new BytesAhead({ maxBytes: maxBytesAhead });
    gateConnections(
      server,
      (socket) => this.#connections.enter(socket),
      (socket, serve) => serve(new GatedConnection(socket, ahead, { inSlices: true })),
    );
    const handle = (message: IncomingMessage, response: ServerResponse) =>
      void this.#handle(message, response);
    server.on("request", handle);
    // A client may expect what it likes; HTTP's own refusal would not be counted.
    server.on("checkExpectation", handle);
    refuseUnreadable(server, {
      isBusy: (connection) => this.#answering.has(connection),
      onRefused: (status, { remoteAddress = "unknown" }) =>
        door.refused("http", status, remoteAddress, "this is not a request of HTTP, or it came too slowly"),
      onHandshakeFailed: (connection) =>
        door.closed("http", "tls", (connection as Socket).remoteAddress ?? "unknown"),
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  setCertificate(tls: TlsMaterial): void {
    if ("setSecureContext" in this.server) this.server.setSecureContext({ ...tls, ...serverTls });
  }

  /** Accepts no more connections; idle ones are closed. */
  close(): void {
    this.server.close();
    this.server.closeIdleConnections();
  }

  /** Also disconnects clients that have asked for nothing yet, which HTTP does not know. */
  destroy(): void {
    this.#connections.destroyAll();
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = message.socket as Duplex as GatedConnection;
    const { remoteAddress: host = "unknown", remotePort: port = 0 } = connection;
    const [type = ""] = (message.headers["content-type"] ?? "").toLowerCase().split(";");
    const encoding = encodings[type.trim()];
    this.#answering.add(connection);
    response.once("close", () => {
      this.#answering.delete(connection);
      connection.nextRequest();
    });
    const refuse = ({ status, code, message: text, headers }: Refusal) => {
      this.#door.refused("http", status, host, text);
      const body = encodeStatus(encoding ?? "json", code, text);
      const contentType = contentTypes[encoding ?? "json"];
      // The rest of the body is not read.
      const close = message.complete ? {} : { Connection: "close" };
      response.writeHead(status, {
        "Content-Type": contentType,
        "Content-Length": body.length,
        ...close,
        ...headers,
      });
      response.end(body);
    };
    const [path] = (message.url ?? "").split("?");
    const signal = Object.hasOwn(signals, path!) ? signals[path!] : undefined;
    if (signal === undefined) return refuse(refusals.path);
    if (message.method !== "POST") return refuse(refusals.method);
    const challenge = this.#door.challenge(message.headers.authorization);
    if (challenge !== undefined)
      return refuse({
        status: 401,
        code: 16,
        message: "Unauthorized",
        headers: { "WWW-Authenticate": challenge },
      });
    if (encoding === undefined) return refuse(refusals.type);
    const coding = (message.headers["content-encoding"] ?? "identity").toLowerCase();
    if (coding !== "identity" && coding !== "gzip") return refuse(refusals.coding);
    if (this.#door.isStopping) return refuse(refusals.stopping);
    const length = Number(message.headers["content-length"] ?? 0);
    if (length > maxBodyBytes) return refuse(refusals["too-large"]);
    this.#connections.begins(connection);
    const outcome = await this.#door.through(async (place, take) => {
      const isChunked = message.headers["transfer-encoding"] !== undefined;
      connection.letThrough(isChunked ? "chunked" : length);
      const packed = await readBody(message, isChunked ? maxBodyBytes : length, place);
      if (typeof packed === "string") return packed;
      response.once("close", this.#connections.isWhole(connection));
      const body = coding === "gzip" ? await unpacked(packed, maxBodyBytes, place) : packed;
      if (typeof body === "string") return body;
      return take(signal, encoding, body, host, port);
    });
    if (typeof outcome === "string") return refuse(refusals[outcome]);
    if (outcome.kind !== "taken") return refuse({ ...refusals[outcome.kind], message: outcome.message });
    this.#door.answered("http", 200);
    const body = encodeResponse(signal, encoding, outcome);
    response.writeHead(200, { "Content-Type": contentTypes[encoding], "Content-Length": body.length });
    response.end(body);
  }
}
