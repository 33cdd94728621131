import { once } from "node:events";

const signals = ["SIGINT", "SIGTERM"] as const;

/** Fires at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    for (const signal of signals) process.off(signal, stop);
    controller.abort();
  };
  for (const signal of signals) process.on(signal, stop);
  return controller.signal;
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilStopped(): Promise<void> {
  return untilFired(stopSignal());
}

/** Resolves when the signal has fired. */
export async function untilFired(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
