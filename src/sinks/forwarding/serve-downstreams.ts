import { setTimeout as delay } from "node:timers/promises";
import { BackOff } from "../../forwarder/back-off.js";
import type { ForwarderSource } from "../../forwarder/source.js";
import { type RunningForwarder, startForwarder } from "../../forwarder/start-forwarder.js";
import { type Address, formatAddress } from "../../transport/address.js";
import type { SinkLog } from "../sink-kind.js";
import { LineLimit } from "./line-limit.js";

/** Opens the addresses for downstream tracers; each gets its own source after its handshake. */
export type ServeDownstreams = (openSource: () => ForwarderSource) => { stop(): Promise<void> };

export interface ServeOptions {
  /** One address at which tracers connect, or several to which Muninn connects. */
  readonly network:
    | { readonly mode: "AcceptAt"; readonly address: Address }
    | { readonly mode: "ConnectTo"; readonly addresses: readonly Address[] };
  readonly magic: number;
  /** Longest pause before reconnecting, in milliseconds; the first is a second. */
  readonly maxReconnectDelayMs: number;
  /** Logs each message. */
  readonly verbose: boolean;
  readonly log: SinkLog;
}

const initialMs = 1_000;

/** Shortest time between reports of tracers' faults, in milliseconds. */
const faultQuietMs = 60_000;

/** Like cardano-tracer: an address that cannot be opened is retried forever, and everything else continues meanwhile. */
export function serveDownstreams(options: ServeOptions): ServeDownstreams {
  return (openSource) => {
    const { network } = options;
    const places =
      network.mode === "AcceptAt"
        ? [{ mode: "listen" as const, address: network.address }]
        : network.addresses.map((address) => ({ mode: "connect" as const, address }));
    const stopping = new AbortController();
    const served = places.map((place) => serve(place, options, openSource, stopping.signal));
    return {
      stop: async () => {
        stopping.abort();
        await Promise.all(served);
      },
    };
  };
}

/** Serves one address until `signal` is aborted; resolves when everything is closed. */
async function serve(
  network: { readonly mode: "listen" | "connect"; readonly address: Address },
  { magic, maxReconnectDelayMs, verbose, log }: ServeOptions,
  openSource: () => ForwarderSource,
  signal: AbortSignal,
): Promise<void> {
  const where = formatAddress(network.address);
  const limits = { initialMs: Math.min(initialMs, maxReconnectDelayMs), maxMs: maxReconnectDelayMs };
  const backOff = new BackOff(limits);
  const connects = new LineLimit();
  const disconnects = new LineLimit();
  const source = () => {
    connects.log((before) =>
      log.info("downstream_connected", `a downstream tracer is connected at ${where}${before}`, { where }),
    );
    return logged(openSource(), { where, log, verbose, disconnects });
  };
  let faultReportedAt = Number.NEGATIVE_INFINITY;
  let unreported = 0;
  const onFault = (message: string) => {
    unreported += 1;
    const now = performance.now();
    if (now - faultReportedAt < faultQuietMs) return;
    faultReportedAt = now;
    const msg = `re-forwarding at ${where}: ${message}`;
    log.warning("downstream_fault", msg, { where, count: unreported });
    unreported = 0;
  };
  while (!signal.aborted) {
    let forwarder: RunningForwarder;
    try {
      forwarder = await startForwarder({ source, network, magic, reconnect: limits, onFault });
    } catch (error) {
      log.warning(
        "forwarding_interrupted",
        `cannot listen for downstream tracers, retrying: ${(error as Error).message}`,
        { where },
      );
      await delay(backOff.after(0), undefined, { signal, ref: false }).catch(() => {});
      continue;
    }
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await forwarder.stop();
  }
}

/** Wraps a source to log when its tracer leaves and, if `verbose`, what it is sent. */
function logged(
  source: ForwarderSource,
  options: {
    readonly where: string;
    readonly log: SinkLog;
    readonly verbose: boolean;
    readonly disconnects: LineLimit;
  },
): ForwarderSource {
  const { where, log, verbose, disconnects } = options;
  const sent = <Objects extends readonly Uint8Array[]>(objects: Objects): Objects => {
    if (verbose && objects.length > 0)
      log.info("forwarded", `${objects.length} objects are sent to the tracer at ${where}`, {
        where,
        objects: objects.length,
      });
    return objects;
  };
  return {
    get metrics() {
      const { metrics } = source;
      if (verbose)
        log.info("forwarded_metrics", `the tracer at ${where} has asked for metrics`, {
          where,
          metrics: metrics.size,
        });
      return metrics;
    },
    dataPoints: source.dataPoints,
    ...(source.askDataPoints !== undefined && {
      askDataPoints: (names) => {
        if (verbose)
          log.info("forwarded_data_points", `the tracer at ${where} has asked for data points`, {
            where,
            names,
          });
        return source.askDataPoints!(names);
      },
    }),
    get isOver() {
      return source.isOver;
    },
    takeNow: (count) => sent(source.takeNow(count)),
    take: async (count, signal) => sent(await source.take(count, signal)),
    release: () => {
      disconnects.log((before) =>
        log.info("downstream_left", `the downstream tracer at ${where} has left${before}`, { where }),
      );
      source.release?.();
    },
  };
}
