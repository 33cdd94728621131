import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Address } from "../transport/address.js";
import { connectTo } from "../transport/connect-to.js";
import type { Connection } from "../transport/connection.js";
import { openListener } from "../transport/listener.js";
import { type AddressLike, addressOf } from "./address-of.js";
import { LinkedPair, type Wire } from "./linked-pair.js";

const maxConnections = 4_096;
const connectTimeoutMs = 10_000;

export interface LinkOptions extends Partial<Wire> {
  /** Where the other end listens: `tracer.address`, or a node's where the tracer connects. */
  readonly to: AddressLike;
  /** Where the link listens. @default a socket file in a temporary directory, or, where `to` is a port, any port of this machine */
  readonly at?: AddressLike | undefined;
  /**
   * The first connection breaks after the first number of bytes in this list, counted in both directions together, the
   * second after the second, and so on; connections beyond the list do not break.
   */
  readonly cutAfterBytes?: readonly number[] | undefined;
}

/** A link between nodes and a tracer, with the delays and faults that the test asks for. */
export interface FaultyLink extends AsyncDisposable {
  /** Where to connect, instead of `to`. */
  readonly address: Address;
  /** Connections so far that reached the other end, and those open now. */
  readonly connections: { readonly made: number; readonly now: number };
  /** Breaks the open connections; bytes on their way are lost. New connections are accepted. */
  cut(): void;
  /** Breaks the open connections, and every new one at once, until `heals()`. */
  breaks(): void;
  /** Holds all bytes back, also of new connections, until `heals()`. Neither end notices. */
  stalls(): void;
  /** Lets connections through again, and bytes that were held back. */
  heals(): void;
  /** Breaks all connections and stops listening. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Opens a link. Bytes arrive in order, whatever the jitter.
 * @throws TransportError if it cannot listen, AddressError, RangeError for an invalid delay
 */
export async function faultyLink(options: LinkOptions): Promise<FaultyLink> {
  const to = addressOf(options.to);
  const { latencyMs = 0, jitterMs = 0, random = Math.random, cutAfterBytes = [] } = options;
  for (const [name, value] of Object.entries({ latencyMs, jitterMs }))
    if (!(value >= 0)) throw new RangeError(`${name} must be 0 or more milliseconds; got ${value}`);
  const pairs = new Set<LinkedPair>();
  const stopping = new AbortController();
  let state: "sound" | "broken" | "stalled" = "sound";
  let begun = 0;
  let made = 0;

  async function run({ stream }: Connection): Promise<boolean> {
    const cutAfter = cutAfterBytes[begun] ?? Number.POSITIVE_INFINITY;
    begun += 1;
    const far = state === "broken" ? undefined : await reach(to, stopping.signal);
    if (far === undefined || state === "broken" || stopping.signal.aborted) {
      stream.destroy();
      far?.destroy();
      return false;
    }
    made += 1;
    const pair = new LinkedPair(stream, far, { latencyMs, jitterMs, random }, cutAfter);
    if (state === "stalled") pair.hold();
    pairs.add(pair);
    await pair.over;
    pairs.delete(pair);
    return true;
  }

  const place = await placeOf(to, options.at);
  const listener = await openListener({
    address: place.address,
    maxConnections,
    run,
    onTooMany: () => {},
  }).catch(async (error) => {
    await place.remove();
    throw error;
  });
  const cut = () => {
    for (const pair of pairs) pair.cut();
  };
  const stop = async () => {
    stopping.abort();
    await listener.stop();
    cut();
    await Promise.all([...pairs].map(({ over }) => over));
    await place.remove();
  };
  let stopped: Promise<void> | undefined;
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };
  return {
    address: listener.address,
    get connections() {
      return { made, now: pairs.size };
    },
    cut,
    breaks: () => {
      state = "broken";
      cut();
    },
    stalls: () => {
      state = "stalled";
      for (const pair of pairs) pair.hold();
    },
    heals: () => {
      state = "sound";
      for (const pair of pairs) pair.letGo();
    },
    stop: stopOnce,
    [Symbol.asyncDispose]: stopOnce,
  };
}

/** The other end; undefined if it cannot be reached. */
async function reach(to: Address, signal: AbortSignal): Promise<Duplex | undefined> {
  return connectTo(to, { signal, timeoutMs: connectTimeoutMs }).catch(() => undefined);
}

async function placeOf(
  to: Address,
  at?: AddressLike,
): Promise<{ address: Address; remove: () => Promise<void> }> {
  const remove = async () => {};
  if (at !== undefined) return { address: addressOf(at), remove };
  if (to.kind === "tcp") return { address: { kind: "tcp", host: "127.0.0.1", port: 0 }, remove };
  const directory = await mkdtemp(join(tmpdir(), "muninn-link-"));
  return {
    address: { kind: "unix", path: join(directory, "link.sock") },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
