import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { decodeDataPointsRequest, encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux, encodeSegments } from "../../src/protocol/mux.js";

const magic = 764_824_073;

/** The first message of a peer. */
export const proposal = encodeSegments("opener", miniProtocols.handshake, encodeProposal(magic), 0);

/** A peer's answers to requests; an absent one means that it does not answer. */
export interface Answers {
  /** Its name. */
  readonly name?: string;
  /** Its answer to data-point requests, instead of a document with its name. */
  readonly info?: Uint8Array;
  /** Its answer to each metrics request, encoded. */
  readonly metrics?: () => Uint8Array | undefined;
}

/** A peer that completes the handshake, gives its name, and then does what an attack tells it to. */
export class HostilePeer implements Disposable {
  readonly #socket: Socket;
  readonly #answers: Answers;
  readonly #demux = new Demux("listener");
  readonly #assemblers = [0, 1, 2, 3].map(
    () => new MessageAssembler({ what: "message", maxBytes: 1_000_000 }),
  );

  private constructor(path: string, answers: Answers) {
    this.#answers = answers;
    this.#socket = connect(path);
    this.#socket.setMaxListeners(0);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk: Uint8Array) =>
      this.#demux.push(chunk, (miniProtocol, payload) => {
        for (const message of this.#assemblers[miniProtocol]!.push(payload))
          this.#take(miniProtocol, message);
      }),
    );
  }

  /** Resolves when the tracer has accepted it, or its connection has ended. */
  static async at(path: string, answers: Answers = {}): Promise<HostilePeer> {
    const peer = new HostilePeer(path, answers);
    peer.#socket.write(proposal);
    await Promise.race([once(peer.#socket, "data"), peer.ended]).catch(() => {});
    return peer;
  }

  /** Sends a message; resolves when the kernel has it, or the connection has ended. */
  async send(miniProtocol: MiniProtocol, message: Uint8Array, maxPayloadBytes?: number): Promise<void> {
    await this.raw(encodeSegments("opener", miniProtocol, message, 0, maxPayloadBytes));
  }

  async raw(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed || this.#socket.write(bytes)) return;
    await Promise.race([once(this.#socket, "drain"), this.ended]).catch(() => {});
  }

  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  get ended(): Promise<void> {
    // (`once` would reject on an error, which every disconnected peer meets.)
    return new Promise<void>((resolve) => {
      if (this.isOver) resolve();
      else this.#socket.once("close", () => resolve());
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(miniProtocol: MiniProtocol, message: Uint8Array): void {
    const { name, info, metrics } = this.#answers;
    if (miniProtocol === miniProtocols.dataPoints && (name ?? info) !== undefined) {
      const request = decodeDataPointsRequest(message);
      if (request.kind === "done") return;
      const value = info ?? Buffer.from(JSON.stringify({ niName: name }));
      void this.send(miniProtocol, encodeDataPointsReply(request.names.map((asked) => [asked, value])));
    }
    if (miniProtocol === miniProtocols.metrics) {
      const answer = metrics?.();
      if (answer !== undefined) void this.send(miniProtocol, answer);
    }
  }
}

/** This many peers at once, all disconnected at the end of `use`. */
export async function withPeers(
  path: string,
  count: number,
  answersOf: (index: number) => Answers,
  use: (peers: readonly HostilePeer[]) => Promise<unknown>,
): Promise<void> {
  const peers = await Promise.all(
    Array.from({ length: count }, (_, index) => HostilePeer.at(path, answersOf(index))),
  );
  try {
    await use(peers);
  } finally {
    for (const peer of peers) peer[Symbol.dispose]();
  }
}
