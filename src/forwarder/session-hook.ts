import type { MiniProtocol } from "../protocol/mini-protocols.js";

/** The points at which a session may behave differently from real nodes; for simulations. */
export interface SessionHook {
  /** What each message of a mini-protocol waits for, in or out; a promise that never resolves means silence. @default nothing */
  readonly before?: (miniProtocol: MiniProtocol) => Promise<unknown> | undefined;
  /** Sends bytes instead of the stream's own `write`; calls `onSent` when the stream has accepted them. */
  readonly write?: (bytes: Uint8Array, onSent: () => void) => void;
  /** How long our side stays open after the peer has ended its own and all is answered, in milliseconds. @default 0 */
  readonly lingerMs?: number | undefined;
}
