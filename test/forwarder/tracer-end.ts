import { type Duplex, duplexPair } from "node:stream";
import { encodeDataPointsRequest } from "../../src/protocol/data-points.js";
import { answerProposal, encodeProposal } from "../../src/protocol/handshake.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments, type Side } from "../../src/protocol/mux.js";
import { encodeTraceRequest } from "../../src/protocol/trace-messages.js";
import { type ForwarderMessage, RecordedForwarder } from "../../src/recording/recorded-forwarder.js";

export const magic = 42;

/** Both ends of a connection without sockets: the forwarder's stream, and a tracer that the test controls. */
export function connectionTo(side: Side): { stream: Duplex; tracer: TracerEnd } {
  const [stream, far] = duplexPair({ allowHalfOpen: true });
  return { stream, tracer: new TracerEnd(far, side === "opener" ? "listener" : "opener") };
}

/** A tracer that sends exactly what the test asks for, and keeps what it receives. */
export class TracerEnd {
  readonly stream: Duplex;
  readonly messages: ForwarderMessage[] = [];
  readonly #side: Side;

  constructor(stream: Duplex, side: Side) {
    this.stream = stream;
    this.#side = side;
    const forwarder = new RecordedForwarder(side === "opener" ? "listener" : "opener");
    stream.on("data", (chunk) => this.messages.push(...forwarder.push(chunk)));
  }

  get objects(): string[] {
    return this.messages.flatMap((message) =>
      message.kind === "objects" ? message.objects.map((object) => Buffer.from(object).toString()) : [],
    );
  }

  send(miniProtocol: MiniProtocol, message: Uint8Array): void {
    this.stream.write(encodeSegments(this.#side, miniProtocol, message, 0));
  }

  /** Sends its part of the handshake; another network makes the forwarder refuse it. */
  shakeHands(network = magic): void {
    const message =
      this.#side === "opener"
        ? encodeProposal(network)
        : answerProposal(encodeProposal(magic), network).answer;
    this.send(miniProtocols.handshake, message);
  }

  ask(count: number): void {
    this.send(miniProtocols.traceObjects, encodeTraceRequest(count));
  }

  askForDataPoints(...names: string[]): void {
    this.send(miniProtocols.dataPoints, encodeDataPointsRequest(names));
  }
}
