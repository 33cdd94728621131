import { setTimeout as delay } from "node:timers/promises";

/** The clock of forwarders; tests use their own. */
export interface ForwarderClock {
  /** Milliseconds since some moment; never goes backwards. */
  now(): number;
  /** Resolves after this many milliseconds, without an upper limit, or when `signal` is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The longest time a timer can be set to; a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock = clockOf({ keepsAlive: true });

/** The same time; sleeping does not keep the process alive. */
export const backgroundClock = clockOf({ keepsAlive: false });

function clockOf({ keepsAlive: ref }: { readonly keepsAlive: boolean }): ForwarderClock {
  return {
    now: () => performance.now(),
    sleep: async (milliseconds, signal) => {
      for (let left = milliseconds; left > 0 && !signal.aborted; left -= longestTimerMs)
        await delay(Math.min(left, longestTimerMs), undefined, { signal, ref }).catch(() => {});
    },
  };
}
