import type { Duplex } from "node:stream";
import type { Address } from "../address.js";

/**
 * For how long the bytes of a `data` event are valid. `lent`: until the event is over, then the link reads into the same
 * memory again. `given`: for good.
 */
type Chunks = "lent" | "given";

/** A connection as a link makes it: whoever is at its other end, and however it came about. */
export interface LinkStream {
  /** Half-open is allowed, and an error that nobody listens for does not end the process. */
  readonly stream: Duplex;
  readonly chunks: Chunks;
}

/** A peer that has come in. */
export interface Arrival extends LinkStream {
  /** What its connection's id begins with: the remote host, or `unix`. */
  readonly origin: string;
  /** Where it is, for people. */
  readonly peer: string;
}

/** What both sides of a link are told. */
export interface LinkOptions {
  /** Lent chunks spare memory where the link can lend them; the stream says what it does. @default "given" */
  readonly chunks?: Chunks | undefined;
  /** Neither a listener nor a connection, made or being made, keeps the process alive. @default false */
  readonly unref?: boolean | undefined;
}

export interface ConnectOptions extends LinkOptions {
  /** Ends the attempt, not the connection that came of it. */
  readonly signal: AbortSignal;
  /** A target that neither accepts nor refuses is given up after this long. */
  readonly timeoutMs: number;
}

export interface ListenOptions extends LinkOptions {
  /** Permissions of a socket file; without it the umask decides, and lets in nobody but owner and group. */
  readonly socketMode?: number | undefined;
  /** Connections at the same time; more are closed at once. */
  readonly maxConnections: number;
  /** Told of each connection that was closed because there were too many. */
  readonly onTurnedAway: (limit: number) => void;
  /** Told of the directory that had to be made for a socket file. */
  readonly onDirectoryMade?: ((directory: string) => void) | undefined;
  /** Told where the umask would have let everybody connect. */
  readonly onModeNarrowed?: ((path: string) => void) | undefined;
}

/** A bound socket. */
export interface LinkServer<Where extends Address> {
  /** Where it listens; the port is a real one where 0 was asked for. */
  readonly address: Where;
  readonly listening: boolean;
  /** Takes nobody else in; those inside stay. Idempotent, waits for nobody. */
  stop(): void;
}

/** One way for bytes to reach a peer. */
export interface LinkKind<Where extends Address> {
  /** @throws TransportError */
  listen(
    address: Where,
    options: ListenOptions,
    onArrival: (arrival: Arrival) => void,
  ): Promise<LinkServer<Where>>;
  /** Connects once. Rejects with what the system says, in words. */
  connect(address: Where, options: ConnectOptions): Promise<LinkStream>;
}
