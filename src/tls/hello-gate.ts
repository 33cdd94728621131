import type { Socket } from "node:net";

/** Our answer to a whole ClientHello is longer: it has a certificate, or resumes a session. */
const leastAnswerBytes = 200;
/** Clients that may have sent part of a hello, or are to choose another key. */
const mostUnanswered = 16;
/** Clients that have not completed their handshake: what all of them say next, at the same moment, takes us some 50 ms. */
const mostUnfinished = 256;

export interface HelloGateOptions {
  /** Calls `start` when the next handshake may start: a signature takes a millisecond or more. */
  readonly inTurn: (start: () => void) => void;
  /** A client that has said nothing for this long is disconnected. @default never */
  readonly timeoutMs?: number;
}

/**
 * Starts handshakes of TLS once their clients have said something, so that what is waited for is our turn and not theirs:
 * thousands may connect, and say hello at the same moment. Whoever says only half of it comes without a turn in the
 * end, so of those there are few: the one that has been there longest gives way. So does the one that has longest held back
 * the end of its handshake, for which there is no turn either.
 */
export class HelloGate {
  readonly #options: HelloGateOptions;
  /** In the order in which they started. */
  readonly #unanswered = new Set<Socket>();
  /** In the same order, by remote host and port, because TLS returns another socket than it was given. */
  readonly #unfinished = new Map<string, Socket>();

  constructor(options: HelloGateOptions) {
    this.#options = options;
  }

  /** The handshake of this client is complete. */
  finished(client: Client): void {
    this.#unfinished.delete(nameOf(client));
  }

  /** `start` hands the socket to TLS. */
  enter(socket: Socket, start: () => void): void {
    const { inTurn, timeoutMs } = this.#options;
    const late = timeoutMs === undefined ? undefined : setTimeout(() => socket.destroy(), timeoutMs).unref();
    socket.on("error", () => {});
    const name = nameOf(socket);
    socket.once("close", () => {
      clearTimeout(late);
      this.#unanswered.delete(socket);
      if (this.#unfinished.get(name) === socket) this.#unfinished.delete(name);
    });
    socket.once("data", (hello) => {
      clearTimeout(late);
      socket.pause();
      socket.unshift(hello);
      inTurn(() => {
        if (socket.destroyed) return;
        start();
        this.#unfinished.set(name, socket);
        if (this.#unfinished.size > mostUnfinished) firstOf(this.#unfinished.values()).destroy();
        this.#admit(socket);
      });
    });
  }

  #admit(socket: Socket): void {
    this.#unanswered.add(socket);
    if (this.#unanswered.size <= mostUnanswered) return;
    for (const other of this.#unanswered) {
      if (other.bytesWritten >= leastAnswerBytes) this.#unanswered.delete(other);
    }
    if (this.#unanswered.size <= mostUnanswered) return;
    firstOf(this.#unanswered).destroy();
  }
}

interface Client {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

function nameOf({ remoteAddress, remotePort }: Client): string {
  return `${remoteAddress} ${remotePort}`;
}

function firstOf(sockets: Iterable<Socket>): Socket {
  const [first] = sockets;
  return first!;
}
