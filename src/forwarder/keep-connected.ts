import type { Duplex } from "node:stream";
import type { LinkAddress } from "../transport/address.js";
import { connectTo } from "../transport/connect-to.js";
import type { OwnCredentials } from "../transport/links/link.js";
import { BackOff, type BackOffLimits } from "./back-off.js";
import type { ForwarderClock } from "./clock.js";

const connectTimeoutMs = 10_000;

export interface KeepConnectedOptions {
  readonly address: LinkAddress;
  /** Called at each attempt. If it rejects, the attempt has failed. */
  readonly credentials?: (() => Promise<OwnCredentials>) | undefined;
  readonly limits: BackOffLimits;
  readonly clock: ForwarderClock;
  /** Runs a connection to its end. Never rejects. */
  readonly run: (stream: Duplex) => Promise<void>;
  /** Called after each attempt that failed. */
  readonly onUnreachable: (error: Error) => void;
  /** Does not keep the process alive. */
  readonly unref?: boolean | undefined;
  /** Once aborted, no new connection is made; an existing one runs to its end. */
  readonly signal: AbortSignal;
}

/** Connects, and reconnects after a pause whenever the connection ends; resolves when `signal` is aborted and nothing runs. */
export async function keepConnected(options: KeepConnectedOptions): Promise<void> {
  const { address, credentials, limits, clock, run, onUnreachable, unref, signal } = options;
  const backOff = new BackOff(limits);
  while (!signal.aborted) {
    let lastedMs = 0;
    try {
      const stream = await connectTo(address, {
        signal,
        timeoutMs: connectTimeoutMs,
        credentials: await credentials?.(),
        unref,
      });
      const connectedAt = clock.now();
      if (signal.aborted) stream.destroy();
      else await run(stream);
      lastedMs = clock.now() - connectedAt;
    } catch (error) {
      if (!signal.aborted) onUnreachable(error as Error);
    }
    await clock.sleep(backOff.after(lastedMs), signal);
  }
}
