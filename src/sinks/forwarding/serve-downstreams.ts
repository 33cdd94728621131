import { setTimeout as delay } from "node:timers/promises";
import { BackOff } from "../../forwarder/back-off.js";
import type { ForwarderSource } from "../../forwarder/source.js";
import { type RunningForwarder, startForwarder } from "../../forwarder/start-forwarder.js";
import { RateLimitedLines, times } from "../../text/rate-limited-lines.js";
import { type Address, formatAddress } from "../../transport/address.js";
import type { SinkLog } from "../sink-kind.js";

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

/** Lines about connects, and about disconnects, in a minute: whoever may connect causes them. */
const linesPerMinute = 20;

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
  const lines = new RateLimitedLines({ burst: linesPerMinute });
  const source = () => {
    lines.say("downstream_connected", where, (count) =>
      log.info("downstream_connected", `a downstream tracer is connected at ${where}${times(count)}`, {
        where,
        count,
      }),
    );
    return logged(openSource(), { where, log, verbose, lines });
  };
  const faults = new RateLimitedLines();
  const onFault = (message: string) =>
    faults.say("downstream_fault", where, (count) =>
      log.warning("downstream_fault", `re-forwarding at ${where}: ${message}${times(count)}`, {
        where,
        count,
      }),
    );
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
    readonly lines: RateLimitedLines;
  },
): ForwarderSource {
  const { where, log, verbose, lines } = options;
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
      lines.say("downstream_left", where, (count) =>
        log.info("downstream_left", `the downstream tracer at ${where} has left${times(count)}`, {
          where,
          count,
        }),
      );
      source.release?.();
    },
  };
}
