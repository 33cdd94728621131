import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mainnetMagic } from "../forwarder/start-forwarder.js";
import { openTracks } from "../recording/replay-track.js";
import { startRecorder } from "../recording/start-recorder.js";
import { type ReplaySettings, type RunningReplay, startReplay } from "../recording/start-replay.js";
import type { Address } from "../transport/address.js";
import { openSent, type SentOptions } from "../verification/open-sent.js";
import type { Verdict } from "../verification/verdict.js";
import { verdictText } from "../verification/verdict-text.js";
import { verify } from "../verification/verify.js";
import { type AddressLike, addressOf } from "./address-of.js";

/** How a recording is played: where the tracer is, and options. By default each node is played once, as fast as it is asked. */
export interface PlayOptions extends Partial<Omit<ReplaySettings, "network" | "tracks">> {
  readonly network: { readonly mode: "connect" | "listen"; readonly address: AddressLike };
}

/** Recorded nodes that are being played. */
export interface PlayedRecording extends RunningReplay, AsyncDisposable {}

/** What nodes sent when it was recorded. */
export interface Recording {
  /** Names of its nodes. */
  nodes(): Promise<string[]>;
  /**
   * Plays its nodes as live ones: they answer requests, and reconnect when they lose the connection.
   * @throws TransportError if they cannot listen
   */
  play(options: PlayOptions): Promise<PlayedRecording>;
  /** Compares the files below a `logRoot` with it, like `muninn verify`; give the `name` and `copies` it was played with. */
  compare(logRoot: string, options?: SentOptions): Promise<Comparison>;
}

export interface Comparison extends Verdict {
  /** The verdict as text, with the place of everything lost, doubled, out of order, torn or foreign. */
  readonly text: string;
}

/**
 * A recording from its file (`muninn record`, or `startRecording`), from raw forwarder bytes (`.bin`), or from log files or
 * directories, those of cardano-tracer included. Its methods throw what the file system throws, RecordingError for a file
 * that is not a recording, and an error if it contains no node.
 */
export function recording(...paths: readonly [string, ...string[]]): Recording {
  async function tracksOf() {
    const { tracks } = await openTracks(paths);
    if (tracks.length === 0) throw new Error(`there is no node in ${paths.join(", ")}`);
    return tracks;
  }
  return {
    nodes: async () => (await tracksOf()).map(({ name }) => name),
    play: async (options) => {
      const network = { ...options.network, address: addressOf(options.network.address) };
      const running = await startReplay({ ...atOnce, ...options, network, tracks: await tracksOf() });
      return { ...running, [Symbol.asyncDispose]: () => running.stop() };
    },
    compare: async (logRoot, options) => {
      await using sent = await openSent(paths, options);
      const verdict = await verify({ sent: sent.nodes, remarks: sent.remarks, logs: [logRoot] });
      return { ...verdict, text: verdictText(verdict) };
    },
  };
}

/** By default: once, as fast as asked, under the recorded names; a lost connection is reopened soon. */
const atOnce = {
  magic: mainnetMagic,
  speed: Number.POSITIVE_INFINITY,
  copies: 1,
  loops: 1,
  reconnect: { initialMs: 10, maxMs: 1_000 },
} as const;

export interface RecordOptions {
  /** Where the other end listens: `tracer.address`, or a node's where the tracer connects. */
  readonly to: AddressLike;
  /** Where the recorder listens. @default a socket file in a temporary directory */
  readonly at?: AddressLike | undefined;
  /** Where to keep the recording; nothing is overwritten. @default a temporary file, removed with the recorder */
  readonly file?: string | undefined;
}

/** Sits between nodes and a tracer and records both directions; disposing of it stops it and removes temporary files. */
export interface RunningRecording extends AsyncDisposable {
  /** Where to connect, instead of `to`. */
  readonly address: Address;
  /** Closes the connections and ends the recording. Idempotent. @throws Error if some traffic is not in it */
  stop(): Promise<Recording>;
}

/**
 * Starts recording. @throws TransportError if it cannot listen, and what the file system throws: EEXIST if the file
 * exists
 */
export async function startRecording(options: RecordOptions): Promise<RunningRecording> {
  const connect = addressOf(options.to);
  const at = options.at === undefined ? undefined : addressOf(options.at);
  const directory = await mkdtemp(join(tmpdir(), "muninn-recording-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  const { file: path = join(directory, "traffic.rec") } = options;
  const listen = at ?? { kind: "unix", path: join(directory, "recorder.sock") };
  const troubles: string[] = [];
  const recorder = await startRecorder({
    routes: [{ listen, connect }],
    recording: { path, onTrouble: (text) => troubles.push(text) },
    onEvent: () => {},
  }).catch(async (error) => {
    await remove();
    throw error;
  });
  return {
    address: recorder.addresses[0]!,
    stop: async () => {
      const { bytesMissing } = await recorder.stop();
      if (bytesMissing > 0)
        throw new Error(`${bytesMissing} bytes of traffic are not in ${path}: ${troubles.join("; ")}`);
      return recording(path);
    },
    [Symbol.asyncDispose]: async () => {
      await recorder.stop();
      await remove();
    },
  };
}
