import type { AddressInfo, Server, Socket } from "node:net";
import { formatAddress, type LinkAddress } from "../address.js";
import type { LinkServer, ListenOptions, Refusal } from "./link.js";
import { RefusedAddresses } from "./refused-addresses.js";
import { hostOf, listenAt, socketServer } from "./socket-server.js";
import { TrustedProxies } from "./trusted-proxies.js";

/** Most peers of one address that may be checked at the same time; a proxy counts as one address. */
const mostOfOneAddress = 256;
/** How long a peer may take to read why it was refused, in milliseconds. */
const refusalReadMs = 1_000;
const defaultTimeoutMs = 10_000;

/** A peer that has connected and must show credentials before it is admitted. */
export interface Candidate {
  readonly host: string;
  /** Host and port, for people. */
  readonly peer: string;
  /** Sets the address that a trusted proxy gave in `X-Forwarded-For`. */
  forwarded(forwardedFor: string | undefined): void;
  /** The step it has reached: the reason to report if it leaves now. */
  stage: Refusal["reason"];
  /** Counts and reports the refusal. The peer is disconnected at once, or a second after `explain` has told it why. */
  refuse(reason: Refusal["reason"], options?: { detail?: string | undefined; explain?: () => void }): void;
  /** Its credentials are accepted: the deadline no longer applies. */
  admit(): void;
}

export interface EntranceOptions extends ListenOptions {
  /**
   * Whether an address that has to wait is disconnected before it can show anything. Not if it may be a reverse proxy's
   * address, which all its peers have: there only peers without valid credentials wait.
   */
  readonly waitsOutside: boolean;
}

/**
 * Admits peers that must show credentials: each has a deadline, their number per address is bounded, and an address that
 * fails too often must wait. `next` continues with a candidate.
 */
export class Entrance {
  readonly #options: EntranceOptions;
  readonly #server: Server;
  readonly #candidates = new Set<Socket>();
  /** How many candidates each address has. */
  readonly #unfinished = new Map<string, number>();
  readonly #refused = new RefusedAddresses();
  readonly #proxies: TrustedProxies;

  constructor(options: EntranceOptions, next: (socket: Socket, candidate: Candidate) => void) {
    this.#options = options;
    this.#proxies = new TrustedProxies(options.trustedProxies);
    this.#server = socketServer(options, (socket) => this.#enter(socket, next));
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  /** @throws TransportError */
  async open<Where extends Exclude<LinkAddress, { kind: "unix" }>>(
    address: Where,
  ): Promise<Omit<LinkServer<Where>, "setCredentials">> {
    await listenAt(this.#server, address, { host: address.host, port: address.port });
    const { port } = this.#server.address() as AddressInfo;
    const server = this.#server;
    return {
      address: { ...address, port },
      get listening() {
        return server.listening;
      },
      stop: () => {
        server.close();
        for (const socket of this.#candidates) socket.destroy();
      },
    };
  }

  /** Whether the address was recently refused too often. */
  mustWait(host: string): boolean {
    return this.#refused.mustWait(host);
  }

  #enter(socket: Socket, next: (socket: Socket, candidate: Candidate) => void): void {
    const { handshakeTimeoutMs = defaultTimeoutMs, onRefused, waitsOutside, unref } = this.#options;
    const host = hostOf(socket);
    const unfinished = this.#unfinished.get(host) ?? 0;
    const areTooMany = unfinished >= mostOfOneAddress;
    if (areTooMany || (waitsOutside && !this.#proxies.has(host) && this.mustWait(host))) {
      socket.destroy();
      onRefused?.({ reason: areTooMany ? "too-many" : "must-wait", host });
      return;
    }
    let isOver = false;
    const end = () => {
      isOver = true;
      clearTimeout(deadline);
      this.#candidates.delete(socket);
      const others = this.#unfinished.get(host)! - 1;
      if (others === 0) this.#unfinished.delete(host);
      else this.#unfinished.set(host, others);
    };
    let client = host;
    const candidate: Candidate = {
      get host() {
        return client;
      },
      get peer() {
        return formatAddress({ kind: "tcp", host: client, port: socket.remotePort ?? 0 });
      },
      forwarded: (forwardedFor) => {
        client = this.#proxies.clientOf(host, forwardedFor);
      },
      stage: "tls",
      refuse: (reason, { detail, explain } = {}) => {
        if (isOver) return;
        end();
        if (reason !== "must-wait") this.#refused.add(client);
        onRefused?.({ reason, host: client, detail });
        if (explain === undefined) {
          socket.destroy();
        } else {
          explain();
          setTimeout(() => socket.destroy(), refusalReadMs).unref();
        }
      },
      admit: () => {
        if (!isOver) end();
      },
    };
    const deadline = setTimeout(() => candidate.refuse("timeout"), handshakeTimeoutMs);
    if (unref) deadline.unref();
    this.#candidates.add(socket);
    this.#unfinished.set(host, unfinished + 1);
    socket.once("close", () => {
      // A peer that connects and leaves without a byte only checks whether the port is open.
      if (isOver) return;
      if (socket.bytesRead === 0 || !this.listening) end();
      else candidate.refuse(candidate.stage);
    });
    next(socket, candidate);
  }
}
