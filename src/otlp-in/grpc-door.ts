import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { TlsMaterial } from "../config/certificate.js";
import { type BodyFault, readBody, unpacked } from "../http/admitted-body.js";
import { gateConnections } from "../http/gate-connections.js";
import { serverTls } from "../tls/server-options.js";
import { Connections } from "./connections.js";
import { type Door, type Entrance, maxBodyBytes } from "./door.js";
import { FrameGate } from "./frame-gate.js";
import { encodeResponse, type Signal } from "./schema.js";

// gRPC over HTTP/2 as in its PROTOCOL-HTTP2.md, unary calls only: a message is one byte that says whether it is compressed, four
// bytes of length, and its contents; the status of a call is in the trailers.

const frameHeadBytes = 5;
const service = (signal: "Logs" | "Metrics") =>
  `/opentelemetry.proto.collector.${signal.toLowerCase()}.v1.${signal}Service/Export`;
const signals: Readonly<Record<string, Signal>> = {
  [service("Logs")]: "logs",
  [service("Metrics")]: "metrics",
};

/** gRPC status codes. */
const code = {
  ok: 0,
  invalidArgument: 3,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Most open calls on one connection. */
const maxStreams = 100;
/** Calls that one connection may cancel at once, and per second after that: each costs us more time than its client. */
const streamResets = { streamResetBurst: 20, streamResetRate: 5 };
/** Bytes that a client may send in a call before it has to wait for us. */
const windowBytes = 1_048_576;
/** Most header fields of a call. */
const maxHeaderListPairs = 64;
/** How long a client may take to begin, and may then be idle. */
const beginTimeoutMs = 10_000;
const idleTimeoutMs = 10 * 60_000;

/** Accepts OTLP over gRPC. */
export function openGrpcDoor(door: Door, tls: TlsMaterial | undefined, maxConnections: number): GrpcDoor {
  const settings = { maxConcurrentStreams: maxStreams, initialWindowSize: windowBytes };
  const options = { settings, maxHeaderListPairs, ...streamResets };
  const server =
    tls === undefined ? createServer(options) : createSecureServer({ ...options, ...tls, ...serverTls });
  return new GrpcDoor(server, door, maxConnections);
}

export class GrpcDoor implements Entrance {
  readonly transport = "grpc";
  readonly server: Http2Server | Http2SecureServer;
  readonly #door: Door;
  readonly #connections: Connections;
  readonly #sessions = new Map<ServerHttp2Session, FrameGate>();

  constructor(server: Http2Server | Http2SecureServer, door: Door, maxConnections: number) {
    this.server = server;
    this.#door = door;
    this.#connections = new Connections(maxConnections, door, "grpc");
    gateConnections(
      server,
      (socket) => this.#connections.enter(socket),
      (socket, serve) => this.#gate(socket, serve),
    );
    server.on("sessionError", () => {});
    server.on("tlsClientError", (_: Error, { remoteAddress = "unknown" }: TLSSocket) =>
      door.closed("grpc", "tls", remoteAddress),
    );
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on("error", () => {});
      const gate = stream.session && this.#sessions.get(stream.session as ServerHttp2Session);
      if (gate !== undefined) void this.#handle(stream, headers, gate);
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  setCertificate(tls: TlsMaterial): void {
    if ("setSecureContext" in this.server) this.server.setSecureContext({ ...tls, ...serverTls });
  }

  /** Accepts no more connections or calls; calls in progress continue. */
  close(): void {
    this.server.close();
    for (const session of this.#sessions.keys()) session.close();
  }

  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy();
    this.#connections.destroyAll();
  }

  #gate(socket: Socket, serve: (connection: Duplex) => void): void {
    const { remoteAddress: host = "unknown" } = socket;
    const beginning = setTimeout(() => socket.destroy(), beginTimeoutMs);
    socket.once("close", () => clearTimeout(beginning));
    const gate = new FrameGate(socket, {
      alpnProtocol: (socket as Partial<TLSSocket>).alpnProtocol,
      onPreface: () => {
        clearTimeout(beginning);
        const begin = (session: ServerHttp2Session) => this.#begin(session, gate);
        this.server.once("session", begin);
        serve(gate);
        // A client of TLS that has not negotiated HTTP/2 gets no session.
        this.server.off("session", begin);
      },
      onFault: (fault) => this.#door.closed("grpc", fault, host),
    });
  }

  #begin(session: ServerHttp2Session, gate: FrameGate): void {
    this.#sessions.set(session, gate);
    session.setTimeout(idleTimeoutMs, () => session.close());
    session.on("error", ({ code: fault }: NodeJS.ErrnoException) => {
      // Other errors come from the network.
      if (fault?.startsWith("ERR_HTTP2") === true)
        this.#door.closed("grpc", "http2-error", gate.remoteAddress ?? "unknown");
    });
    session.once("close", () => this.#sessions.delete(session));
  }

  async #handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, gate: FrameGate): Promise<void> {
    const { remoteAddress: host = "unknown", remotePort: port = 0 } = gate;
    const refuse = (status: number, message: string) => this.#refuse(stream, status, message, host);
    if (
      headers[":method"] !== "POST" ||
      !/^application\/grpc(\+proto)?$/.test(headers["content-type"] ?? "")
    ) {
      this.#door.refused("grpc", 415, host, "the content type must be application/grpc");
      if (!stream.destroyed) stream.respond({ ":status": 415 }, { endStream: true });
      return;
    }
    const path = headers[":path"] ?? "";
    const signal = Object.hasOwn(signals, path) ? signals[path] : undefined;
    if (signal === undefined) return refuse(code.unimplemented, "OTLP is accepted for logs and metrics");
    if (this.#door.challenge(headers.authorization) !== undefined)
      return refuse(code.unauthenticated, "Unauthorized");
    if (this.#door.isStopping) return refuse(code.unavailable, "Muninn is being stopped");
    const coding = headers["grpc-encoding"] ?? "identity";
    if (coding !== "identity" && coding !== "gzip")
      return refuse(code.unimplemented, "messages must be compressed with gzip or not at all");
    this.#connections.begins(gate);
    let answered = () => {};
    const outcome = await this.#door.through(async (place, take) => {
      const framed = await readBody(stream, maxBodyBytes + frameHeadBytes, place);
      if (typeof framed === "string") return framed;
      gate.called();
      answered = this.#connections.isWhole(gate);
      const packed = messageIn(framed);
      if (packed === undefined) return { kind: "malformed", message: "this is not one message" };
      const body = framed[0] === 1 ? await unpacked(packed, maxBodyBytes, place) : packed;
      if (typeof body === "string") return body;
      return take(signal, "protobuf", body, host, port);
    });
    answered();
    if (typeof outcome === "string") return refuse(...faults[outcome]);
    if (outcome.kind === "malformed") return refuse(code.invalidArgument, outcome.message);
    if (outcome.kind !== "taken") return refuse(code.unavailable, outcome.message);
    this.#door.answered("grpc", code.ok);
    if (stream.destroyed) return;
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(code.ok) }));
    stream.end(framedMessage(encodeResponse(signal, "protobuf", outcome)));
  }

  #refuse(stream: ServerHttp2Stream, status: number, message: string, host: string): void {
    this.#door.refused("grpc", status, host, message);
    if (stream.destroyed) return;
    stream.respond(
      {
        ":status": 200,
        "content-type": "application/grpc+proto",
        "grpc-status": String(status),
        // Percent-encoded, as gRPC requires.
        "grpc-message": encodeURIComponent(message).replaceAll("%20", " "),
      },
      { endStream: true },
    );
    // The rest of a refused request is not read.
    if (!stream.readableEnded) stream.close();
  }
}

/** `unavailable` makes exporters send again, so it is only for what may be accepted later. */
const faults: Readonly<Record<BodyFault, readonly [status: number, message: string]>> = {
  busy: [code.unavailable, "too much is waiting to be written"],
  late: [code.unavailable, "the request arrived too slowly"],
  "too-large": [code.resourceExhausted, `a request may have ${maxBodyBytes} bytes, also unpacked`],
  "cut-off": [code.invalidArgument, "the message was cut off"],
  malformed: [code.invalidArgument, "the message is not gzip"],
};

/** The single message of a unary call; undefined if it is cut off or there are several. */
function messageIn(framed: Buffer): Buffer | undefined {
  if (framed.length < frameHeadBytes || framed[0]! > 1) return undefined;
  return framed.readUInt32BE(1) === framed.length - frameHeadBytes
    ? framed.subarray(frameHeadBytes)
    : undefined;
}

function framedMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(frameHeadBytes + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, frameHeadBytes);
  return framed;
}
