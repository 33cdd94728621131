import type { Socket } from "node:net";

/** Our answer to a whole ClientHello is longer: it has a certificate, or resumes a session. */
const leastAnswerBytes = 200;
/** Clients that may have sent part of a hello, or are to choose another key. */
const mostUnanswered = 16;

export interface HelloGateOptions {
  /** Calls `start` when the next handshake may start: a signature takes a millisecond or more. */
  readonly inTurn: (start: () => void) => void;
  /** A client that has said nothing for this long is disconnected. @default never */
  readonly timeoutMs?: number;
}

/**
 * Starts handshakes of TLS once their clients have said something, so that what is waited for is our turn and not theirs:
 * thousands may connect, and say hello at the same moment. Whoever says only half of it comes without a turn in the
 * end, so of those there are few: the one that has been there longest gives way.
 */
export class HelloGate {
  readonly #options: HelloGateOptions;
  /** In the order in which they started. */
  readonly #unanswered = new Set<Socket>();

  constructor(options: HelloGateOptions) {
    this.#options = options;
  }

  /** `start` hands the socket to TLS. */
  enter(socket: Socket, start: () => void): void {
    const { inTurn, timeoutMs } = this.#options;
    const late = timeoutMs === undefined ? undefined : setTimeout(() => socket.destroy(), timeoutMs).unref();
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(late);
      this.#unanswered.delete(socket);
    });
    socket.once("data", (hello) => {
      clearTimeout(late);
      socket.pause();
      socket.unshift(hello);
      inTurn(() => {
        if (socket.destroyed) return;
        start();
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
    const [longest] = this.#unanswered;
    longest!.destroy();
  }
}
