import type { AddressInfo, Server, Socket } from "node:net";
import { formatAddress, type LinkAddress } from "../address.js";
import type { LinkServer, ListenOptions, Refusal } from "./link.js";
import { RefusedAddresses } from "./refused-addresses.js";
import { hostOf, listenAt, socketServer } from "./socket-server.js";
import { TrustedProxies } from "./trusted-proxies.js";

/** Peers of one address that may be on their way in at the same time; a proxy is one address. */
const mostOfOneAddress = 256;
/** How long a peer may read why it was refused. */
const refusalReadMs = 1_000;
const defaultTimeoutMs = 10_000;

/** A peer that has connected, and has to show something before it is let in. */
export interface Candidate {
  readonly host: string;
  /** Host and port, for people. */
  readonly peer: string;
  /** It has come through a trusted proxy, which says so in `X-Forwarded-For`. */
  forwarded(forwardedFor: string | undefined): void;
  /** How far it has come: what went wrong where it leaves now. */
  stage: Refusal["reason"];
  /** Counts and tells of it. The peer is gone at once, or a second after `farewell` has told it why. */
  refuse(reason: Refusal["reason"], options?: { detail?: string | undefined; farewell?: () => void }): void;
  /** It is in: it may stay for as long as it likes. */
  letIn(): void;
}

export interface EntranceOptions extends ListenOptions {
  /**
   * Whether an address that has to wait is turned out before it can show anything. Not where it may be a reverse proxy's,
   * which all peers have: there only peers without valid credentials wait.
   */
  readonly waitsOutside: boolean;
}

/**
 * The way in where peers have to show something: each has a deadline, those of one address are bounded, and an address that
 * fails too often waits. `next` takes a candidate further.
 */
export class Entrance {
  readonly #options: EntranceOptions;
  readonly #server: Server;
  readonly #candidates = new Set<Socket>();
  /** How many of each address. */
  readonly #crowds = new Map<string, number>();
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

  /** Whether the address was refused too often of late. */
  mustWait(host: string): boolean {
    return this.#refused.mustWait(host);
  }

  #enter(socket: Socket, next: (socket: Socket, candidate: Candidate) => void): void {
    const { handshakeTimeoutMs = defaultTimeoutMs, onRefused, waitsOutside, unref } = this.#options;
    const host = hostOf(socket);
    const crowd = this.#crowds.get(host) ?? 0;
    const isCrowd = crowd >= mostOfOneAddress;
    if (isCrowd || (waitsOutside && !this.#proxies.has(host) && this.mustWait(host))) {
      socket.destroy();
      onRefused?.({ reason: isCrowd ? "crowd" : "waits", host });
      return;
    }
    let isOver = false;
    const end = () => {
      isOver = true;
      clearTimeout(deadline);
      this.#candidates.delete(socket);
      const others = this.#crowds.get(host)! - 1;
      if (others === 0) this.#crowds.delete(host);
      else this.#crowds.set(host, others);
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
      refuse: (reason, { detail, farewell } = {}) => {
        if (isOver) return;
        end();
        if (reason !== "waits") this.#refused.add(client);
        onRefused?.({ reason, host: client, detail });
        if (farewell === undefined) {
          socket.destroy();
        } else {
          farewell();
          setTimeout(() => socket.destroy(), refusalReadMs).unref();
        }
      },
      letIn: () => {
        if (!isOver) end();
      },
    };
    const deadline = setTimeout(() => candidate.refuse("timeout"), handshakeTimeoutMs);
    if (unref) deadline.unref();
    this.#candidates.add(socket);
    this.#crowds.set(host, crowd + 1);
    socket.once("close", () => {
      // A peer that connects and leaves without a byte only checks whether the port is open.
      if (isOver) return;
      if (socket.bytesRead === 0 || !this.listening) end();
      else candidate.refuse(candidate.stage);
    });
    next(socket, candidate);
  }
}
