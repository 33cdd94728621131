import type { Duplex } from "node:stream";
import type { LinkAddress, Network } from "../address.js";
import type { Room } from "../room.js";
import type { Access, AllowsName } from "./access.js";

/**
 * How long the bytes of a `data` event are valid. `lent`: until the event is over, then the link reads into the same
 * memory again. `given`: for good.
 */
type Chunks = "lent" | "given";

/** A connection as a link makes it: whatever is at its other end, and however it came about. */
export interface LinkStream {
  /** Half-open is allowed, and an error without a listener does not end the process. */
  readonly stream: Duplex;
  readonly chunks: Chunks;
  /** However much waits, it comes in small pieces, one after the other: records of TLS, messages of a WebSocket. @default false */
  readonly comesInPieces?: boolean;
  /** Which names its peer may use, by the credentials it has shown; absent: any. */
  readonly allows?: AllowsName;
}

/** A peer that has come in. */
export interface Arrival extends LinkStream {
  /** What its connection's id begins with: the remote host, or `unix`. */
  readonly origin: string;
  /** Where it is, for people. */
  readonly peer: string;
}

/** Options of both sides of a link. */
export interface LinkOptions {
  /** Lent chunks spare memory where the link can lend them; the stream says what it does. @default "given" */
  readonly chunks?: Chunks | undefined;
  /** Neither a listener nor a connection, made or being made, keeps the process alive. @default false */
  readonly unref?: boolean | undefined;
}

/** What we show of ourselves, and by whom we let the other side be signed; all as PEM. */
export interface OwnCredentials {
  /** Our certificate, its chain behind it. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Authorities instead of those that Node knows. */
  readonly ca?: string | undefined;
  /** Name that the other side's certificate must be for, if that is not the host's. */
  readonly serverName?: string | undefined;
  /** Shown when a WebSocket opens. */
  readonly token?: string | undefined;
}

/** Why a peer that came was not let in. */
type RefusalReason =
  /** It did not get through TLS: garbage, no common version, or a certificate that our authority has not signed. */
  | "tls"
  /** Its certificate is of no rule. */
  | "certificate"
  /** Its token is of no rule, or it has shown none. */
  | "token"
  /** It asked for another path. */
  | "path"
  /** It asked for something else than a WebSocket. */
  | "not-websocket"
  /** It took too long. */
  | "timeout"
  /** Its address was refused too often of late, and has to wait. */
  | "waits"
  /** Too many of its address are on their way in at the same time. */
  | "crowd";

export interface Refusal {
  readonly reason: RefusalReason;
  /** The remote host. */
  readonly host: string;
  /** What OpenSSL or the parser says of it. */
  readonly detail?: string | undefined;
}

/** What peers must show, all as PEM. */
export interface DoorCredentials {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Who signs the certificates of peers; without it none is asked for. */
  readonly clientCa?: string | undefined;
  readonly access: Access;
}

/** Either, for code that connects or listens as configured. */
export type LinkCredentials = OwnCredentials & DoorCredentials;

export interface ConnectOptions extends LinkOptions {
  /** Ends the attempt, not the connection that came of it. */
  readonly signal: AbortSignal;
  /** A target that neither accepts nor refuses is given up after this long. */
  readonly timeoutMs: number;
  readonly credentials?: OwnCredentials | undefined;
}

export interface ListenOptions extends LinkOptions {
  /** Permissions of a socket file; without it the umask decides, and lets in owner and group at most. */
  readonly socketMode?: number | undefined;
  /** Connections at the same time; more are closed at once. */
  readonly maxConnections: number;
  /** Places shared with other doors. */
  readonly room?: Room | undefined;
  /** Of TLS and WebSockets: whom to let in. */
  readonly credentials?: DoorCredentials | undefined;
  /** Of WebSockets: proxies whose `X-Forwarded-For` says where their clients come from. @default none */
  readonly trustedProxies?: readonly Network[] | undefined;
  /** A peer that is not let in by then is turned out. @default 10_000 */
  readonly handshakeTimeoutMs?: number | undefined;
  readonly onRefused?: ((refusal: Refusal) => void) | undefined;
  /** Called for each connection that was closed because there were too many. */
  readonly onTurnedAway: (limit: number) => void;
  /** Called with the directory that had to be created for a socket file. */
  readonly onDirectoryMade?: ((directory: string) => void) | undefined;
  /** Called if the umask would have let everybody connect. */
  readonly onModeNarrowed?: ((path: string) => void) | undefined;
}

/** A bound socket. */
export interface LinkServer<Where extends LinkAddress> {
  /** Where it listens; the port is a real one where 0 was asked for. */
  readonly address: Where;
  readonly listening: boolean;
  /** For new connections. @throws what OpenSSL says if they are unusable; then nothing changes */
  setCredentials?(credentials: DoorCredentials): void;
  /** Accepts no more connections, those on their way included; existing ones stay. Idempotent, does not wait. */
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
  /** Connects once. Rejects with what the system says, in words. */
  connect(address: Where, options: ConnectOptions): Promise<LinkStream>;
}
