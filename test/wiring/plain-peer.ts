import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { decodeDataPointsRequest, encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { MessageAssembler } from "../../src/protocol/message-assembler.js";
import { decodeMetricsRequest, encodeMetricsResponse } from "../../src/protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../../src/protocol/mini-protocols.js";
import { Demux, encodeSegments } from "../../src/protocol/mux.js";
import { decodeTraceRequest, encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../src/protocol/trace-object.js";
import type { Address } from "../../src/transport/address.js";
import { traceObject } from "../batches.js";

export interface PlainPeerOptions {
  /** Undefined: it never answers the request for its name. */
  readonly name?: string | undefined;
  readonly magic?: number;
  /** Sends nothing at all. */
  readonly silent?: boolean;
  /** Leaves its side open when the tracer has ended its own. */
  readonly stays?: boolean;
}

/** A node that keeps the requests it receives, and answers with objects only when the test says so. */
export class PlainPeer {
  readonly socket: Socket;
  /** Objects wanted, by each unanswered request for trace objects. */
  readonly wanted: number[] = [];
  /** `all`, `updated` or `names`, of each request for metrics. */
  readonly metricsAsked: string[] = [];
  closed = false;
  readonly #told: [names: readonly string[], value: bigint][] = [];
  readonly #assemblers = new Map<MiniProtocol, MessageAssembler>();
  readonly #options: PlainPeerOptions;

  constructor(address: Address, options: PlainPeerOptions = {}) {
    this.#options = options;
    const place =
      address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
    this.socket = connect({ ...place, allowHalfOpen: options.stays === true });
    this.socket.on("error", () => {});
    this.socket.once("close", () => {
      this.closed = true;
    });
    if (options.silent === true) return;
    const demux = new Demux("listener");
    this.socket.on("data", (chunk: Uint8Array) => {
      demux.push(chunk, (protocol, payload) => this.#receive(protocol, payload));
    });
    this.#send(miniProtocols.handshake, encodeProposal(options.magic ?? 764_824_073));
  }

  static async at(address: Address, options: PlainPeerOptions = {}): Promise<PlainPeer> {
    const peer = new PlainPeer(address, options);
    if (peer.socket.connecting) await once(peer.socket, "connect");
    return peer;
  }

  /** Answers the oldest request with objects of these machine texts. */
  reply(texts: readonly string[]): void {
    this.wanted.shift();
    const objects = texts.map((machine) => encodeTraceObject(traceObject({ machine })));
    this.#send(miniProtocols.traceObjects, encodeTraceReply(objects));
  }

  /** Answers a metrics request that may not exist. */
  metrics(names: readonly string[], value = 1n): void {
    this.#send(
      miniProtocols.metrics,
      encodeMetricsResponse(names.map((name) => [name, { kind: "gauge", value }])),
    );
  }

  /** Answers the next metrics request with these. */
  tell(names: readonly string[], value = 1n): void {
    this.#told.push([names, value]);
  }

  leave(): void {
    this.socket.destroy();
  }

  #send(protocol: MiniProtocol, message: Uint8Array): void {
    this.socket.write(encodeSegments("opener", protocol, message, 0));
  }

  #receive(protocol: MiniProtocol, payload: Uint8Array): void {
    let assembler = this.#assemblers.get(protocol);
    if (assembler === undefined) {
      assembler = new MessageAssembler({ what: "a request", maxBytes: 1_000_000 });
      this.#assemblers.set(protocol, assembler);
    }
    for (const message of assembler.push(payload)) this.#take(protocol, message);
  }

  #take(protocol: MiniProtocol, message: Uint8Array): void {
    if (protocol === miniProtocols.traceObjects) {
      const request = decodeTraceRequest(message);
      if (request.kind === "request") this.wanted.push(request.count);
    } else if (protocol === miniProtocols.metrics) {
      this.metricsAsked.push(decodeMetricsRequest(message).kind);
      const [names, value] = this.#told.shift() ?? [[], undefined];
      this.metrics(names, value);
    } else if (protocol === miniProtocols.dataPoints) {
      const request = decodeDataPointsRequest(message);
      if (request.kind !== "request") return;
      if (request.names.includes("NodeInfo") && this.#options.name === undefined) return;
      const info = Buffer.from(JSON.stringify({ niName: this.#options.name }));
      this.#send(
        miniProtocols.dataPoints,
        encodeDataPointsReply(request.names.map((name) => [name, name === "NodeInfo" ? info : undefined])),
      );
    }
  }
}
