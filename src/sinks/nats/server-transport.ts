import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { isIP, connect as openSocket, type Socket } from "node:net";
import { connect as openTls, type TLSSocket } from "node:tls";
import {
  type ConnectionOptions,
  type NatsConnection,
  NatsConnectionImpl,
  type Server,
  type ServerInfo,
  setTransportFactory,
  type Transport,
} from "@nats-io/transport-node";
import { ServerFault, ServerLines } from "./server-lines.js";

/** Our bytes unread by the server, beyond which nothing more is sent. */
const mostUnsentBytes = 8 * 2 ** 20;

/** Resolves when there is room for more of what a server sends; undefined: at once. */
export type MayRead = () => Promise<void> | undefined;

/** What the library passes on to the transport, together with its own options. */
export interface ReadingOptions {
  /** Longest message, with its headers, in bytes. */
  readonly mostMessageBytes: number;
  /** @default always */
  readonly mayRead?: MayRead | undefined;
}

/** Like the library's `connect`, over a `ServerTransport`. */
export function connectServer(options: ConnectionOptions & ReadingOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new ServerTransport(), dnsResolveFn: addressesOf });
  return NatsConnectionImpl.connect(options);
}

/** The transport of a connection made by `connectServer`. */
export function transportOf(connection: NatsConnection): ServerTransport {
  const { transport } = (connection as NatsConnectionImpl).protocol;
  if (transport instanceof ServerTransport) return transport;
  throw new Error("somebody else in this process connected to NATS at the same time");
}

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/**
 * A connection to one NATS server, in place of the library's own, which keeps, without bound, what the server sends before
 * its first line ends, what nobody reads any more after an error, and what the server does not read.
 */
export class ServerTransport implements Transport {
  /** Shown in the server's list of clients. */
  readonly lang = "node";
  readonly version = process.versions.node;
  #lines = new ServerLines({ mostMessageBytes: 0 });
  #mayRead: MayRead = () => undefined;
  #socket: Socket | undefined;
  /** The server's first line, and what arrived with it. */
  #greeting: Buffer | undefined;
  #isConnected = false;
  #isClosed = false;
  /** Absent while it is open, and if nothing was wrong. */
  closeError?: Error;
  #ended!: (error: Error | undefined) => void;
  readonly #closed: Promise<Error | undefined>;

  constructor() {
    this.#closed = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  isEncrypted(): boolean {
    return this.#socket !== undefined && "encrypted" in this.#socket;
  }

  async connect(server: Server, options: ConnectionOptions): Promise<void> {
    const { tls, mostMessageBytes, mayRead } = options as ConnectionOptions & ReadingOptions;
    this.#lines = new ServerLines({ mostMessageBytes });
    if (mayRead !== undefined) this.#mayRead = mayRead;
    try {
      await this.#open(openSocket({ host: server.hostname, port: server.port, noDelay: true }), "connect");
      const info = await this.#firstLine();
      const isOffered = info.tls_required === true || info.tls_available === true;
      if (tls && !isOffered) throw new Error("the server does not offer TLS");
      if (isOffered && tls !== null) {
        const host = server.tlsName || server.hostname;
        // TLS can only ask for names, not for addresses.
        const servername = isIP(host) === 0 ? host : "";
        await this.#open(openTls({ ...tls, socket: this.#socket!, host, servername }), "secureConnect");
      }
      this.#isConnected = true;
      this.#socket!.once("close", () => void this.close());
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    let fault: Error | undefined = new Error("the server sent what the library cannot read");
    try {
      // It was checked when it arrived.
      yield this.#greeting!;
      this.#greeting = undefined;
      for await (const chunk of this.#socket!) {
        this.#lines.push(chunk);
        yield chunk;
        await this.#mayRead();
      }
      fault = undefined;
    } catch (error) {
      fault = error as Error;
    } finally {
      // Also if the reader gives up: it would not tell anybody.
      await this.close(fault);
    }
  }

  send(frame: Uint8Array): void {
    this.#socket?.write(frame);
  }

  /** Whether the server reads too slowly for more to be sent now. */
  get isBehind(): boolean {
    return this.#socket !== undefined && this.#socket.writableLength > mostUnsentBytes;
  }

  /** Resolves when the server has read everything, or the connection is over. */
  async drained(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || this.#isClosed) return;
    await Promise.race([once(socket, "drain"), this.#closed]).catch(() => {});
  }

  async close(error?: Error): Promise<void> {
    if (this.#isClosed) return;
    const reason = error ?? this.#socket?.errored;
    if (reason) this.closeError = reason;
    this.discard();
    // The library learns of a failed attempt from `connect`.
    if (this.#isConnected) this.#ended(this.closeError);
  }

  disconnect(): void {
    void this.close();
  }

  async closed(): Promise<Error | undefined> {
    return this.#closed;
  }

  discard(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  /** Uses the socket from now on; resolves at the event that it is ready. */
  async #open(socket: Socket | TLSSocket, ready: string): Promise<void> {
    this.#socket = socket;
    // An error without a listener would end the process.
    socket.on("error", () => {});
    if (this.#isClosed) socket.destroy();
    const left = new AbortController();
    const closed = once(socket, "close", { signal: left.signal }).then(() => {
      throw new Error("the server closed the connection");
    });
    closed.catch(() => {});
    try {
      await Promise.race([once(socket, ready), closed]);
    } catch (error) {
      const isRefused = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
      throw isRefused ? new Error("connection refused", { cause: error }) : error;
    } finally {
      left.abort();
    }
  }

  /** The server speaks first, and perhaps in TLS after that. */
  async #firstLine(): Promise<ServerInfo> {
    const pieces: Buffer[] = [];
    for await (const piece of this.#socket!.iterator({ destroyOnReturn: false })) {
      this.#lines.push(piece);
      pieces.push(piece);
      if (piece.includes("\n")) break;
    }
    this.#greeting = Buffer.concat(pieces);
    const [, info] = /^INFO\s+(\{[^\r\n]*\})\s*\n/i.exec(this.#greeting.toString("utf8")) ?? [];
    if (info === undefined) throw new ServerFault("the server does not begin as NATS servers do");
    return JSON.parse(info);
  }
}
