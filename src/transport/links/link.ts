import type { Duplex } from "node:stream";
import type { LinkAddress, Network } from "../address.js";
import type { Room } from "../room.js";
import type { Access, AllowsName } from "./access.js";

/**
 * How long the bytes of a `data` event are valid. `lent`: until the event ends, then the link reads into the same
 * memory again. `given`: for good.
 */
type Chunks = "lent" | "given";

/** A connection made by a link of any kind, in either direction. */
export interface LinkStream {
  /** Half-open is allowed, and an error without a listener does not end the process. */
  readonly stream: Duplex;
  readonly chunks: Chunks;
  /** Whether bytes always arrive in small pieces, however many wait: TLS records, WebSocket messages. @default false */
  readonly arrivesInPieces?: boolean;
  /** Which names its peer may use, by the credentials it has shown; absent: any. */
  readonly allows?: AllowsName;
}

/** A peer that was admitted. */
export interface Arrival extends LinkStream {
  /** What its connection's id begins with: the remote host, or `unix`. */
  readonly origin: string;
  /** Where it is, for people. */
  readonly peer: string;
}

/** Options of both sides of a link. */
export interface LinkOptions {
  /** Lent chunks save memory, if the link can lend them; the stream says which it does. @default "given" */
  readonly chunks?: Chunks | undefined;
  /** Whether neither listeners nor connections, open or being opened, keep the process alive. @default false */
  readonly unref?: boolean | undefined;
}

/** Our credentials, and the authorities we accept for the other side; all as PEM. */
export interface OwnCredentials {
  /** Our certificate, followed by its chain. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Authorities instead of those that Node knows. */
  readonly ca?: string | undefined;
  /** The name in the other side's certificate, if not the host's. */
  readonly serverName?: string | undefined;
  /** Shown when a WebSocket opens. */
  readonly token?: string | undefined;
}

/** Why a peer was not admitted. */
type RefusalReason =
  /** The TLS handshake failed: garbage, no common version, or a certificate that our authority has not signed. */
  | "tls"
  /** Its certificate matches no rule. */
  | "certificate"
  /** Its token matches no rule, or it has shown none. */
  | "token"
  /** It asked for another path. */
  | "path"
  /** It asked for something other than a WebSocket. */
  | "not-websocket"
  /** It took too long. */
  | "timeout"
  /** Its address was recently refused too often, and has to wait. */
  | "must-wait"
  /** Too many peers at its address are being checked at the same time. */
  | "too-many";

export interface Refusal {
  readonly reason: RefusalReason;
  /** The remote host. */
  readonly host: string;
  /** The error of OpenSSL or the parser. */
  readonly detail?: string | undefined;
}

/** What peers must show, all as PEM. */
export interface DoorCredentials {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The authority of peers' certificates; without it none is asked for. */
  readonly clientCa?: string | undefined;
  readonly access: Access;
}

/** Either, for code that connects or listens as configured. */
export type LinkCredentials = OwnCredentials & DoorCredentials;

export interface ConnectOptions extends LinkOptions {
  /** Ends the attempt, not an established connection. */
  readonly signal: AbortSignal;
  /** An attempt that is neither accepted nor refused ends after this many milliseconds. */
  readonly timeoutMs: number;
  readonly credentials?: OwnCredentials | undefined;
}

export interface ListenOptions extends LinkOptions {
  /** Permissions of a socket file; without it the umask decides, and at most owner and group may connect. */
  readonly socketMode?: number | undefined;
  /** Most connections at the same time; further ones are closed at once. */
  readonly maxConnections: number;
  /** Places shared with other doors. */
  readonly room?: Room | undefined;
  /** For TLS and WebSockets: which peers to admit. */
  readonly credentials?: DoorCredentials | undefined;
  /** For WebSockets: proxies whose `X-Forwarded-For` gives their clients' addresses. @default none */
  readonly trustedProxies?: readonly Network[] | undefined;
  /** A peer not admitted after this many milliseconds is disconnected. @default 10_000 */
  readonly handshakeTimeoutMs?: number | undefined;
  readonly onRefused?: ((refusal: Refusal) => void) | undefined;
  /** Called for each connection that was closed because there were too many. */
  readonly onTooMany: (limit: number) => void;
  /** Called with the directory that had to be created for a socket file. */
  readonly onDirectoryMade?: ((directory: string) => void) | undefined;
  /** Called if the umask would have let everybody connect. */
  readonly onModeNarrowed?: ((path: string) => void) | undefined;
}

/** A bound socket. */
export interface LinkServer<Where extends LinkAddress> {
  /** Where it listens; a port given as 0 is the real one here. */
  readonly address: Where;
  readonly listening: boolean;
  /** Applies to new connections. @throws OpenSSL's error if they are unusable; then nothing changes */
  setCredentials?(credentials: DoorCredentials): void;
  /** Accepts no more connections, including those being checked; existing ones stay. Idempotent, does not wait. */
  stop(): void;
}

/** One way for bytes to reach a peer. */
export interface LinkKind<Where extends LinkAddress> {
  /** @throws TransportError */
  listen(
    address: Where,
    options: ListenOptions,
    onArrival: (arrival: Arrival) => void,
  ): Promise<LinkServer<Where>>;
  /** Connects once. Rejects with the system's error, in words. */
  connect(address: Where, options: ConnectOptions): Promise<LinkStream>;
}
