import { type SimulatedNode, type SimulatedNodeReport, simulatedNode } from "../forwarder/simulated-node.js";
import type { Address } from "../transport/address.js";
import { ReplayPlayer } from "./replay-player.js";
import type { ReplayTrack } from "./replay-track.js";

export interface ReplaySettings {
  readonly tracks: readonly ReplayTrack[];
  /** Where the tracer is. Several nodes that listen do so at numbered paths, or at ports counted up. */
  readonly network: { readonly mode: "connect" | "listen"; readonly address: Address };
  readonly magic: number;
  /** Recorded seconds in one second; infinite: as fast as objects are asked for. */
  readonly speed: number;
  /** Nodes for each track. */
  readonly copies: number;
  readonly loops: number;
  /** In place of the recorded names. */
  readonly name?: string | undefined;
  /** Microseconds since 1970. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** @default as `simulatedNode` */
  readonly reconnect?: { readonly initialMs: number; readonly maxMs: number } | undefined;
}

export interface RunningReplay {
  /** Resolves when all was said and the tracer has asked for more; rejects where a track could not be read to its end. */
  readonly finished: Promise<void>;
  reports(): ReplayReport[];
  /** Idempotent; waits. */
  stop(): Promise<void>;
}

interface ReplayReport extends SimulatedNodeReport {
  readonly name: string;
}

interface PlayingNode {
  readonly name: string;
  readonly player: ReplayPlayer;
  readonly node: SimulatedNode;
}

/** Starts a living node for each copy of each track. @throws TransportError where it cannot listen */
export async function startReplay(settings: ReplaySettings): Promise<RunningReplay> {
  const nodes: PlayingNode[] = [];
  const names = namesOf(settings);
  async function stop(): Promise<void> {
    await Promise.all(nodes.map(({ node }) => node.stop()));
    await Promise.all(nodes.map(({ player }) => player.stop()));
  }
  try {
    for (const [index, { track, name }] of names.entries()) {
      const { speed, loops, from, to, magic, reconnect } = settings;
      const origin = originOf(track, settings);
      const player = new ReplayPlayer(track, { name, speed, loops, from, to, origin });
      const network = { ...settings.network, address: ownAddress(settings, names.length, index) };
      nodes.push({ name, player, node: await simulatedNode({ source: player, network, magic, reconnect }) });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    finished: finish(nodes),
    reports: () => nodes.map(({ name, node }) => ({ name, ...node.report() })),
    stop,
  };
}

async function finish(nodes: readonly PlayingNode[]): Promise<void> {
  await Promise.all(nodes.map(({ node }) => node.finished));
  for (const { player } of nodes) if (player.failure !== undefined) throw player.failure;
}

/** Each node has its own name: a number is added where there are several under one. */
function namesOf(settings: ReplaySettings): { track: ReplayTrack; name: string }[] {
  const { tracks, copies, name } = settings;
  return tracks.flatMap((track, index) => {
    const renamed = name !== undefined && tracks.length > 1 ? `${name}-${index + 1}` : name;
    return Array.from({ length: copies }, (_, copy) => {
      const base = renamed ?? track.name;
      return { track, name: copies === 1 ? base : `${base}-${copy + 1}` };
    });
  });
}

/** All nodes share one beginning, so that what they said keeps its order; those without times have their own. */
function originOf(track: ReplayTrack, { tracks, from }: ReplaySettings): number {
  if (track.began === 0) return 0;
  const earliest = Math.min(...tracks.map(({ began }) => began).filter((began) => began > 0));
  return Math.max(earliest, from ?? earliest);
}

function ownAddress({ network: { mode, address } }: ReplaySettings, nodes: number, index: number): Address {
  if (mode === "connect" || nodes === 1) return address;
  if (address.kind === "unix") return { kind: "unix", path: `${address.path}-${index + 1}` };
  return { ...address, port: address.port + index };
}
