import type { Server } from "node:net";
import type { TlsMaterial } from "../config/certificate.js";
import type { EndpointAuth } from "../config/groups/auth.js";
import { Authorization } from "../http/authorization.js";
import type { Admission, Place } from "./admission.js";
import type { Outcome, Receiver } from "./receiver.js";
import type { BodyFault } from "./request-body.js";
import type { Encoding, Signal } from "./schema.js";

export type Transport = "http" | "grpc";

/** One of the servers at which requests come in. */
export interface Entrance {
  readonly server: Server;
  /** For connections to come. */
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

/** What both ways in have in common: who may come in, how much at once, and what was answered. */
export class Door {
  /** Answers by transport and status. */
  readonly answers = new Map<string, number>();
  isStopping = false;
  /** When somebody was last turned away for want of room, by `performance.now`. */
  lastBusyAt = Number.NEGATIVE_INFINITY;
  readonly #receiver: Receiver;
  readonly #admission: Admission;
  #authorization: Authorization | undefined;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(receiver: Receiver, admission: Admission, auth: EndpointAuth | undefined) {
    this.#receiver = receiver;
    this.#admission = admission;
    this.authorize(auth);
  }

  authorize(auth: EndpointAuth | undefined): void {
    this.#authorization = auth && new Authorization(auth);
  }

  /** What a client should show that has not; undefined where it may come in. */
  challenge(header: string | undefined): string | undefined {
    return this.#authorization?.accepts(header) === false ? this.#authorization.challenge : undefined;
  }

  /** Has a request read and taken, which holds a place until it is answered. */
  async through(
    read: (place: Place, take: Take) => Promise<Outcome | BodyFault>,
  ): Promise<Outcome | BodyFault> {
    const place = this.#admission.enter();
    const reading = read(place, (signal, encoding, body, host, port) => {
      const where = host.includes(":") ? `[${host}]` : host;
      return this.#receiver.take(signal, encoding, body, {
        peer: `otlp://${where}:${port}`,
        hold: place.hold,
      });
    });
    this.#underWay.add(reading);
    try {
      const outcome = await reading;
      if (outcome === "busy" || (typeof outcome !== "string" && outcome.kind === "busy"))
        this.lastBusyAt = performance.now();
      return outcome;
    } finally {
      this.#underWay.delete(reading);
      place.leave();
    }
  }

  answered(transport: Transport, status: number): void {
    const key = `${transport} ${status}`;
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
  }

  /** Resolves when no request is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }
}
