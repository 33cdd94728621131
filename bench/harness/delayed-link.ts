import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Forwards connections to another socket; each byte arrives half a round trip after it came, at any bandwidth. */
export class DelayedLink implements AsyncDisposable {
  /** Path of the socket to connect to. */
  readonly entrance: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(entrance: string, target: string, roundTripMs: number) {
    this.entrance = entrance;
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ path: target, allowHalfOpen: true });
      this.#delay(near, far, roundTripMs / 2);
      this.#delay(far, near, roundTripMs / 2);
    });
  }

  static async open(entrance: string, target: string, roundTripMs: number): Promise<DelayedLink> {
    const link = new DelayedLink(entrance, target, roundTripMs);
    link.#server.listen(entrance);
    await once(link.#server, "listening");
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Bytes on their way are held here, as a long wire would hold them. */
  #delay(from: Socket, to: Socket, delayMs: number): void {
    this.#sockets.add(from);
    from.on("data", (chunk) => setTimeout(() => to.write(chunk), delayMs));
    from.on("end", () => setTimeout(() => to.end(), delayMs));
    from.on("error", () => to.destroy());
    from.on("close", () => this.#sockets.delete(from));
  }
}
