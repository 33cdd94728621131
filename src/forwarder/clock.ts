import { setTimeout as delay } from "node:timers/promises";

/** Time as simulated nodes see it; a test brings its own. */
export interface NodeClock {
  /** Milliseconds since some moment, never backwards. */
  now(): number;
  /** Resolves after so many milliseconds, or when `signal` is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: NodeClock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal }).catch(() => {}),
};
