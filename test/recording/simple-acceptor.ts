import { once } from "node:events";
import type { Socket } from "node:net";
import { encodeDataPointsRequest } from "../../src/protocol/data-points.js";
import { answerProposal, encodeProposal } from "../../src/protocol/handshake.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { encodeMetricsRequest } from "../../src/protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux, encodeSegments, type Side } from "../../src/protocol/mux.js";
import { encodeTraceRequest } from "../../src/protocol/trace-messages.js";
import { type ForwarderMessage, RecordedForwarder } from "../../src/recording/recorded-forwarder.js";

export const magic = 42;

/** The simplest possible tracer: asks for the name and all metrics once, and for objects repeatedly. */
export class SimpleAcceptor {
  readonly message: ForwarderMessage[] = [];
  readonly objects: Buffer[] = [];
  readonly #socket: Socket;
  readonly #side: Side;
  readonly #forwarder: RecordedForwarder;
  readonly #ask: number;

  constructor(socket: Socket, side: Side, ask = 100) {
    this.#socket = socket;
    this.#side = side;
    this.#ask = ask;
    this.#forwarder = new RecordedForwarder(side === "opener" ? "listener" : "opener");
    if (side === "opener") this.#send(miniProtocols.handshake, encodeProposal(magic));
    socket.on("data", (chunk) => this.#receive(chunk));
    this.#answerHandshake();
  }

  get name(): string | undefined {
    for (const message of this.message) {
      const info = message.kind === "data-points" ? new Map(message.points).get("NodeInfo") : undefined;
      if (info !== undefined) return JSON.parse(Buffer.from(info).toString()).niName;
    }
    return undefined;
  }

  /** Resolves when the node has closed; our side ends with it. */
  async ended(): Promise<void> {
    if (!this.#socket.readableEnded) await once(this.#socket, "end");
    this.#socket.end();
  }

  #answerHandshake(): void {
    const demux = new Demux(this.#side === "opener" ? "listener" : "opener");
    const assembler = new MessageAssembler({ what: "a handshake message", maxBytes: 5_760 });
    const listen = (chunk: Uint8Array) => {
      demux.push(chunk, (miniProtocol, payload) => {
        if (miniProtocol !== miniProtocols.handshake) return;
        for (const message of assembler.push(payload)) {
          this.#socket.off("data", listen);
          if (this.#side === "listener")
            this.#send(miniProtocols.handshake, answerProposal(message, magic).answer);
          this.#send(miniProtocols.dataPoints, encodeDataPointsRequest(["NodeInfo"]));
          this.#send(miniProtocols.metrics, encodeMetricsRequest({ kind: "all" }));
          // Several requests ahead, in one write, as tracers ask distant nodes.
          this.#socket.cork();
          for (let ahead = 0; ahead < 4; ahead += 1)
            this.#send(miniProtocols.traceObjects, encodeTraceRequest(this.#ask));
          this.#socket.uncork();
        }
      });
    };
    this.#socket.on("data", listen);
  }

  #receive(chunk: Uint8Array): void {
    const asked = this.objects.length;
    for (const message of this.#forwarder.push(chunk)) {
      this.message.push(message);
      if (message.kind === "objects") this.objects.push(...message.objects.map((one) => Buffer.from(one)));
    }
    if (this.objects.length > asked) this.#send(miniProtocols.traceObjects, encodeTraceRequest(this.#ask));
  }

  #send(miniProtocol: MiniProtocol, message: Uint8Array): void {
    this.#socket.write(encodeSegments(this.#side, miniProtocol, message, 0));
  }
}
