import type { MiniProtocol } from "../protocol/mini-protocols.js";

/** The points at which a session may differ from what real nodes do; for simulations. */
export interface SessionHook {
  /** What each message of a mini-protocol waits for, in or out; one that never resolves is silence. @default nothing */
  readonly before?: (miniProtocol: MiniProtocol) => Promise<unknown> | undefined;
  /** Sends bytes instead of the stream's own `write`; calls `onSent` when the stream has taken them. */
  readonly write?: (bytes: Uint8Array, onSent: () => void) => void;
  /** How long our side stays open after the peer has ended its own and all was answered, in milliseconds. @default 0 */
  readonly lingerMs?: number | undefined;
}
