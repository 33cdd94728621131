import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import { HelloGate } from "../../tls/hello-gate.js";
import { serverTls } from "../../tls/server-options.js";
import { FewInTurn } from "../few-in-turn.js";
import { preparePeerSocket } from "../peer-socket.js";
import type { Shown } from "./access.js";
import type { Candidate } from "./entrance.js";
import type { DoorCredentials } from "./link.js";

/** Handshakes started in one turn of the event loop; each takes a millisecond or more for its signature. */
const mostInTurn = 1;

/** Takes candidates through TLS. */
export class TlsServer {
  readonly #server: Server;
  /** Candidates whose handshake is not complete, by remote host and port, because TLS returns another socket than it was given. */
  readonly #candidates = new Map<string, Candidate>();
  readonly #gate: HelloGate;

  /** `next` receives those that have passed. @throws OpenSSL's error for unusable credentials */
  constructor(credentials: DoorCredentials, next: (socket: TLSSocket, candidate: Candidate) => void) {
    const turns = new FewInTurn(mostInTurn);
    // Candidates have a deadline already.
    this.#gate = new HelloGate({ inTurn: (start) => turns.add(start) });
    this.#server = createServer({
      ...contextOf(credentials),
      requestCert: credentials.clientCa !== undefined,
      rejectUnauthorized: isCertificateNeeded(credentials),
    });
    this.#server.on("secureConnection", (socket) => {
      this.#gate.finished(socket);
      const candidate = this.#candidates.get(nameOf(socket));
      if (candidate === undefined) {
        socket.destroy();
        return;
      }
      socket.allowHalfOpen = true;
      preparePeerSocket(socket);
      next(socket, candidate);
    });
    this.#server.on("tlsClientError", (error, socket) => {
      socket.on("error", () => {});
      this.#candidates.get(nameOf(socket))?.refuse("tls", { detail: wordsOf(error) });
    });
  }

  enter(socket: Socket, candidate: Candidate): void {
    const name = nameOf(socket);
    this.#candidates.set(name, candidate);
    socket.once("close", () => {
      if (this.#candidates.get(name) === candidate) this.#candidates.delete(name);
    });
    // A peer that is not authenticated is closed when it ends its side; TLS inherits this from the socket.
    socket.allowHalfOpen = false;
    this.#gate.enter(socket, () => this.#server.emit("connection", socket));
  }

  /** @throws OpenSSL's error for unusable credentials; then the previous ones stay */
  setCredentials(credentials: DoorCredentials): void {
    this.#server.setSecureContext(contextOf(credentials));
  }
}

/** If rules have tokens and subjects, either is enough; a token alone does not replace a required certificate. */
function isCertificateNeeded({ clientCa, access }: DoorCredentials): boolean {
  if (clientCa === undefined) return false;
  if (access === "anyone") return true;
  const kinds = new Set(access.map((rule) => ("token" in rule ? "token" : "subject")));
  return kinds.size < 2;
}

/** No session is resumed, because a certificate that is no longer accepted could be used through an old session. */
function contextOf({ cert, key, clientCa }: DoorCredentials): SecureContextOptions {
  return {
    ...serverTls,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(clientCa !== undefined && { ca: clientCa }),
    secureOptions: serverTls.secureOptions | constants.SSL_OP_NO_TICKET,
  };
}

/** The subject of a peer's certificate; undefined if it has none that we accept. */
export function subjectOf(socket: TLSSocket): Shown["subject"] {
  if (!socket.authorized) return undefined;
  return socket.getPeerCertificate().subject as unknown as Shown["subject"];
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** OpenSSL's own message comes after a number, a function and a file. */
function wordsOf(error: NodeJS.ErrnoException & { reason?: string }): string {
  return error.reason ?? error.code ?? error.message;
}
