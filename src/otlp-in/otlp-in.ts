import type { AddressInfo } from "node:net";
import { settledWithin } from "../base/deadline.js";
import { readCertificate, type TlsMaterial } from "../config/certificate.js";
import type { EndpointAuth } from "../config/groups/auth.js";
import type { OtlpInOptions } from "../config/groups/otlp-in.js";
import { Admission, type AdmissionOptions } from "../http/admission.js";
import { listen } from "../http/listen.js";
import { Door, type DoorObserver, type Entrance, type Transport } from "./door.js";
import { openGrpcDoor } from "./grpc-door.js";
import { openHttpDoor } from "./http-door.js";
import { Receiver, type ReceiverOptions } from "./receiver.js";

export interface OtlpInSettings extends ReceiverOptions, Omit<AdmissionOptions, "requestBytes"> {
  readonly options: OtlpInOptions;
  readonly auth: EndpointAuth | undefined;
  /** Most connections of each of the two servers. */
  readonly maxConnections: number;
  readonly observer: DoorObserver;
  /** Called for each transport with where it listens, `host:port`. */
  readonly onListening?: (transport: "otlp" | "otlpGrpc", where: string) => void;
}

/** Counts so far, and current values. */
export interface OtlpInStats {
  /** Answers by transport (`http`, `grpc`) and status, with a space between. */
  readonly answers: ReadonlyMap<string, number>;
  /** Open connections by transport. */
  readonly connections: ReadonlyMap<Transport, number>;
  /** Connections that were closed by transport and reason (`ClosedReason`), with a space between. */
  readonly closings: ReadonlyMap<string, number>;
  readonly taken: Readonly<Record<"logs" | "metrics", number>>;
  readonly rejected: Readonly<Record<"logs" | "metrics", number>>;
  /** Resources that are nodes at the moment. */
  readonly resources: number;
  /** Memory of requests that are not answered yet, in bytes. */
  readonly heldBytes: number;
  /** Milliseconds since a client was last refused for lack of room. */
  readonly sinceBusyMs: number;
}

const field = "muninn.otlp";
/** Memory of a request in addition to its body, including decompression. By default that allows two thousand at a time. */
const requestBytes = 65_536;
/** How long a stop waits for requests in progress. */
const stopGraceMs = 1_500;
/** How long it then waits until the last answers are sent. */
const sendingMs = 100;

/** Accepts OpenTelemetry logs and metrics: each resource is a node. Closed until `open`. */
export class OtlpIn {
  /** Where it listens, `host:port`, by transport. */
  readonly served = new Map<"otlp" | "otlpGrpc", string>();
  readonly #settings: OtlpInSettings;
  readonly #receiver: Receiver;
  readonly #admission: Admission;
  readonly #door: Door;
  readonly #entrances: Entrance[] = [];
  #stopped: Promise<void> | undefined;

  constructor(settings: OtlpInSettings) {
    this.#settings = settings;
    this.#receiver = new Receiver(settings);
    this.#admission = new Admission({ ...settings, requestBytes });
    const { auth, observer } = settings;
    this.#door = new Door({ receiver: this.#receiver, admission: this.#admission, auth, observer });
  }

  /** @throws HttpError if it cannot listen, CertificateError if its certificate cannot be used; then it is stopped */
  async open(): Promise<void> {
    const { options, maxConnections } = this.#settings;
    const { host, port, grpcPort } = options;
    try {
      const tls = await tlsOf(options);
      await this.#listen("otlp", openHttpDoor(this.#door, tls, maxConnections), "port", port, host);
      if (grpcPort !== undefined)
        await this.#listen(
          "otlpGrpc",
          openGrpcDoor(this.#door, tls, maxConnections),
          "grpcPort",
          grpcPort,
          host,
        );
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stats(): OtlpInStats {
    return {
      answers: this.#door.answers,
      connections: new Map(
        this.#entrances.map(({ transport, connections }) => [transport, connections] as const),
      ),
      closings: this.#door.closings,
      ...this.#receiver.counts,
      resources: this.#receiver.resources,
      heldBytes: this.#admission.bytes,
      sinceBusyMs: performance.now() - this.#door.lastBusyAt,
    };
  }

  /** Reads the certificate again; resolves with a function that applies it and the secret. @throws CertificateError */
  async readChange(options: OtlpInOptions, auth: EndpointAuth | undefined): Promise<() => void> {
    const tls = await tlsOf(options);
    return () => {
      if (tls !== undefined) for (const entrance of this.#entrances) entrance.setCertificate(tls);
      this.#door.authorize(auth);
    };
  }

  /** Accepts no more requests; waits for those in progress, a second and a half at most. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#door.isStopping = true;
    const closed = this.#entrances.map(
      ({ server }) => new Promise<void>((resolve) => server.once("close", () => resolve())),
    );
    for (const entrance of this.#entrances) entrance.close();
    await settledWithin(this.#door.idle(), stopGraceMs);
    // Answers just written are sent first.
    await settledWithin(Promise.all(closed), sendingMs);
    for (const entrance of this.#entrances) entrance.destroy();
    await this.#receiver.stop();
    await Promise.all(closed);
  }

  async #listen(
    name: "otlp" | "otlpGrpc",
    entrance: Entrance,
    portField: string,
    port: number,
    host: string,
  ): Promise<void> {
    const { server } = entrance;
    await listen(server, { host, port, forceSsl: false }, field, portField);
    // Errors while accepting: it continues to listen.
    server.on("error", () => {});
    this.#entrances.push(entrance);
    const { address, port: actual } = server.address() as AddressInfo;
    const where = `${address}:${actual}`;
    this.served.set(name, where);
    this.#settings.onListening?.(name, where);
  }
}

async function tlsOf({ tls }: OtlpInOptions): Promise<TlsMaterial | undefined> {
  return tls === undefined ? undefined : readCertificate(tls, ["muninn", "otlp", "tls"]);
}
