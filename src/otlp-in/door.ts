import type { Server } from "node:net";
import type { TlsMaterial } from "../config/certificate.js";
import type { EndpointAuth } from "../config/groups/auth.js";
import type { Admission, Place } from "../http/admission.js";
import type { BodyFault } from "../http/admitted-body.js";
import { Authorization } from "../http/authorization.js";
import type { ClosedReason as EndpointClosedReason } from "../http/endpoint-options.js";
import type { Outcome, Receiver } from "./receiver.js";
import type { Encoding, Signal } from "./schema.js";

/** Most bytes of a request, before and after decompression: the same as in the OpenTelemetry collector. */
export const maxBodyBytes = 20 * 1_048_576;

export type Transport = "http" | "grpc";

/**
 * Why a connection was closed: for a reason of any endpoint (it also gives way to a newer one while its request is incomplete), or
 * because it did not begin with HTTP/2, sent HTTP/2 frames that no call needs, or broke that protocol otherwise.
 */
export type ClosedReason = EndpointClosedReason | "not-http2" | "too-many-frames" | "http2-error";

/** Events that OTLP clients can cause as often as they like. */
export interface DoorObserver {
  /** A request was not accepted. */
  refused(transport: Transport, status: number, host: string, message: string): void;
  /** This many records or data points of a request were rejected for good; the rest were accepted. */
  rejected(signal: Signal, items: number, host: string, message: string): void;
  closed(transport: Transport, reason: ClosedReason, host: string): void;
}

/** One of the servers that accept requests. */
export interface Entrance {
  readonly transport: Transport;
  readonly server: Server;
  readonly connections: number;
  /** Sets the certificate for new connections. */
  setCertificate(tls: TlsMaterial): void;
  close(): void;
  destroy(): void;
}

type Take = (
  signal: Signal,
  encoding: Encoding,
  body: Uint8Array,
  host: string,
  port: number,
) => Promise<Outcome>;

export interface DoorOptions {
  readonly receiver: Receiver;
  readonly admission: Admission;
  readonly auth: EndpointAuth | undefined;
  readonly observer: DoorObserver;
}

/** What both transports share: authorization, limits on requests in progress, and counts of answers. */
export class Door {
  /** Answers by transport and status. */
  readonly answers = new Map<string, number>();
  /** Closed connections by transport and reason. */
  readonly closings = new Map<string, number>();
  isStopping = false;
  /** When a client was last refused for lack of room, by `performance.now`. */
  lastBusyAt = Number.NEGATIVE_INFINITY;
  readonly #options: DoorOptions;
  #authorization: Authorization | undefined;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: DoorOptions) {
    this.#options = options;
    this.authorize(options.auth);
  }

  authorize(auth: EndpointAuth | undefined): void {
    this.#authorization = auth && new Authorization(auth);
  }

  /** The challenge for a client without valid credentials; undefined if it is authorized. */
  challenge(header: string | undefined): string | undefined {
    return this.#authorization?.accepts(header) === false ? this.#authorization.challenge : undefined;
  }

  /** Lets `read` read and handle a request, which holds a place until it is answered. */
  async through(
    read: (place: Place, take: Take) => Promise<Outcome | BodyFault>,
  ): Promise<Outcome | BodyFault> {
    const reading = this.#through(read);
    this.#underWay.add(reading);
    // Also if it fails: `idle` would never end.
    const outcome = await reading.finally(() => this.#underWay.delete(reading));
    if (outcome === "busy" || (typeof outcome !== "string" && outcome.kind === "busy"))
      this.lastBusyAt = performance.now();
    return outcome;
  }

  async #through(
    read: (place: Place, take: Take) => Promise<Outcome | BodyFault>,
  ): Promise<Outcome | BodyFault> {
    const { receiver, admission, observer } = this.#options;
    const place = admission.enter();
    if (place === undefined) return "busy";
    try {
      return await read(place, async (signal, encoding, body, host, port) => {
        const where = host.includes(":") ? `[${host}]` : host;
        const outcome = await receiver.take(signal, encoding, body, {
          peer: `otlp://${where}:${port}`,
          hold: (bytes) => place.hold(bytes),
        });
        if (outcome.kind === "taken" && outcome.rejected > 0)
          observer.rejected(signal, outcome.rejected, host, outcome.message);
        return outcome;
      });
    } finally {
      place.leave();
    }
  }

  answered(transport: Transport, status: number): void {
    count(this.answers, `${transport} ${status}`);
  }

  /** Counts and reports an answer to a request that was not accepted. */
  refused(transport: Transport, status: number, host: string, message: string): void {
    this.answered(transport, status);
    this.#options.observer.refused(transport, status, host, message);
  }

  closed(transport: Transport, reason: ClosedReason, host: string): void {
    count(this.closings, `${transport} ${reason}`);
    this.#options.observer.closed(transport, reason, host);
  }

  /** Resolves when no request is in progress. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
