import type { LinkStream } from "./links/link.js";

/** A two-way byte stream to one peer, whichever side opened it: unix socket, TCP, TLS, WebSocket look the same. */
export interface Connection extends LinkStream {
  /**
   * The transport, the remote host or the target, and the smallest number currently free: `unix-1`. Safe as a directory
   * name.
   */
  readonly id: string;
  /** Who opened it: the opener proposes in the handshake and sends direction bit 0. */
  readonly opener: "us" | "peer";
  /** The name of a node inside this process, which need not be asked for it. */
  readonly nodeName?: string;
  /** Where the peer is, for people: `/run/muninn.sock`, `10.0.0.7:41234`. */
  readonly peer: string;
}

/** Runs a connection to its end, and owns its stream; resolves at its end with whether there was a handshake. Never rejects. */
export type RunConnection = (connection: Connection) => Promise<boolean>;
