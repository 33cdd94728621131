import type { BackOffLimits } from "../forwarder/back-off.js";
import { nodeAddresses } from "../forwarder/node-addresses.js";
import {
  type ForwarderOptions,
  type ForwarderReport,
  type RunningForwarder,
  startForwarder,
} from "../forwarder/start-forwarder.js";
import type { Address } from "../transport/address.js";
import { namesOfCopies } from "./copies.js";
import { type PlayOptions, ReplayPlayer } from "./replay-player.js";
import type { ReplayTrack } from "./replay-track.js";

export interface ReplaySettings
  extends Omit<PlayOptions, "name" | "origin" | "clock">,
    Pick<ForwarderOptions, "onDirectoryMade"> {
  readonly tracks: readonly ReplayTrack[];
  /** Where the tracer is. Several nodes that listen use numbered paths, or consecutive ports. */
  readonly network: { readonly mode: "connect" | "listen"; readonly address: Address };
  readonly magic: number;
  /** How many nodes play each track. */
  readonly copies: number;
  /** Instead of the recorded names. */
  readonly name?: string | undefined;
  /** @default as `startForwarder` */
  readonly reconnect?: BackOffLimits | undefined;
}

/** A node that plays a track. */
interface PlayingNode {
  readonly name: string;
  /** Where it listens; absent if it connects. */
  readonly address: Address | undefined;
}

export interface RunningReplay {
  readonly nodes: readonly PlayingNode[];
  /** Resolves when all was sent and the tracer has asked for more; rejects if a track could not be read to its end. */
  readonly finished: Promise<void>;
  reports(): ReplayReport[];
  /** Idempotent; waits. */
  stop(): Promise<void>;
}

interface ReplayReport extends ForwarderReport {
  readonly name: string;
}

/** Starts a live node for each copy of each track. @throws TransportError if it cannot listen, AddressError */
export async function startReplay(settings: ReplaySettings): Promise<RunningReplay> {
  const { network, speed, loops, from, to, magic, reconnect, onDirectoryMade } = settings;
  const playing: { name: string; player: ReplayPlayer; forwarder: RunningForwarder }[] = [];
  const planned = planOf(settings);
  const { mode } = network;
  const addresses =
    mode === "listen"
      ? nodeAddresses(network.address, planned.length)
      : Array.from(planned, () => network.address);
  async function stop(): Promise<void> {
    await Promise.all(playing.map(({ forwarder }) => forwarder.stop()));
    await Promise.all(playing.map(({ player }) => player.stop()));
  }
  async function finish(): Promise<void> {
    await Promise.all(playing.map(({ forwarder }) => forwarder.finished));
    for (const { player } of playing) if (player.failure !== undefined) throw player.failure;
  }
  try {
    for (const [index, { track, name }] of planned.entries()) {
      const origin = originOf(track, settings);
      const player = new ReplayPlayer(track, { name, speed, loops, from, to, origin });
      const forwarder = await startForwarder<Address>({
        source: player,
        network: { mode, address: addresses[index]! },
        magic,
        reconnect,
        onDirectoryMade,
      }).catch(async (error) => {
        await player.stop();
        throw error;
      });
      playing.push({ name, player, forwarder });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes: playing.map(({ name, forwarder }) => ({ name, address: forwarder.address })),
    finished: finish(),
    reports: () => playing.map(({ name, forwarder }) => ({ name, ...forwarder.report() })),
    stop,
  };
}

/** Each node has its own name: a number is added if several would have the same. */
function planOf({ tracks, copies, name }: ReplaySettings): { track: ReplayTrack; name: string }[] {
  const names = name === undefined ? tracks.map((track) => track.name) : namesOfCopies(name, tracks.length);
  return tracks.flatMap((track, index) =>
    namesOfCopies(names[index]!, copies).map((copy) => ({ track, name: copy })),
  );
}

/** All nodes share one start time, so that the order between them is kept; tracks without times have their own. */
function originOf(track: ReplayTrack, { tracks, from }: ReplaySettings): number {
  if (track.began === 0) return 0;
  const earliest = tracks
    .map(({ began }) => began)
    .filter((began) => began > 0)
    .reduce((one, other) => Math.min(one, other));
  return Math.max(earliest, from ?? earliest);
}
