/** Parts of the watchdog's time after which it is fed: one message may be lost. */
const feedsPerTimeout = 3;

/**
 * How often a watchdog must be fed, in milliseconds; undefined if none watches this process. `WATCHDOG_USEC` and
 * `WATCHDOG_PID` are as sd_watchdog_enabled(3) says.
 */
export function feedingPauseMs(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { WATCHDOG_USEC: micros, WATCHDOG_PID: watched } = env;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  const timeoutMs = Number(micros ?? 0) / 1_000;
  if (!(timeoutMs > 0) || !Number.isFinite(timeoutMs)) return undefined;
  return Math.max(1, Math.floor(timeoutMs / feedsPerTimeout));
}
