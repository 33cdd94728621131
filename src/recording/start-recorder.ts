import { rm } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { type Address, formatAddress } from "../transport/address.js";
import { connectTo } from "../transport/connect-to.js";
import type { Connection } from "../transport/connection.js";
import { type Listener, openListener } from "../transport/listener.js";
import { Recorder, type RecorderCounts } from "./recorder.js";
import { type RecordingOptions, type RecordingSummary, RecordingWriter } from "./recording-writer.js";

/** For each connection to `listen`, one is opened to `connect`. */
interface Route {
  readonly listen: Address;
  readonly connect: Address;
}

export interface RecorderOptions {
  readonly routes: readonly Route[];
  readonly recording: RecordingOptions;
  /** Called for connections that open and close, targets that cannot be reached, and directories that had to be created. */
  readonly onEvent: (text: string) => void;
}

export interface RunningRecorder {
  /** Where it listens, in the order of the routes; a port given as 0 is the real one here. */
  readonly addresses: readonly Address[];
  status(): RecorderCounts & { readonly bytesWritten: number; readonly bytesMissing: number };
  /** Sends what was read, closes all connections and ends the recording; idempotent, waits. */
  stop(): Promise<RecordingSummary & RecorderCounts>;
}

const maxConnections = 4_096;
const connectTimeoutMs = 10_000;

/**
 * Listens, passes on what arrives, and records it.
 * @throws TransportError if it cannot listen, and what the file system throws if the recording cannot begin
 */
export async function startRecorder(options: RecorderOptions): Promise<RunningRecorder> {
  const writer = await RecordingWriter.open(options.recording);
  const recorder = new Recorder(writer);
  const listeners: Listener[] = [];
  const stopping = new AbortController();
  let stopped: Promise<RecordingSummary & RecorderCounts> | undefined;

  async function stop(): Promise<RecordingSummary & RecorderCounts> {
    stopping.abort();
    for (const listener of listeners) await listener.stop();
    await recorder.stop();
    return { ...recorder.counts(), ...(await writer.stop()) };
  }

  async function run(route: Route, connection: Connection): Promise<boolean> {
    const listener = formatAddress(route.connect);
    let target: Duplex;
    try {
      target = await connectTo(route.connect, { signal: stopping.signal, timeoutMs: connectTimeoutMs });
    } catch (error) {
      connection.stream.destroy();
      const reason = error instanceof Error ? error.message : String(error);
      options.onEvent(`${connection.peer} was refused: cannot connect to ${listener}: ${reason}`);
      return false;
    }
    options.onEvent(`${connection.peer} is connected with ${listener}`);
    await recorder.pass({
      opener: connection.peer,
      listener,
      openerStream: connection.stream,
      listenerStream: target,
    });
    options.onEvent(`${connection.peer} and ${listener} are disconnected`);
    return true;
  }

  try {
    for (const route of options.routes) {
      const onTooMany = () => options.onEvent(`more than ${maxConnections} connections: one was refused`);
      const { listen: address } = route;
      listeners.push(
        await openListener({
          address,
          maxConnections,
          onTooMany,
          onDirectoryMade: (directory) =>
            options.onEvent(`directory ${directory} was missing and has been created`),
          run: (connection) => run(route, connection),
        }),
      );
    }
  } catch (error) {
    // Nothing was recorded: an empty file would only get in the way of the next attempt.
    const { files } = await stop();
    for (const file of files) await rm(file, { force: true });
    throw error;
  }
  return {
    addresses: listeners.map(({ address }) => address),
    status: () => ({
      ...recorder.counts(),
      bytesWritten: writer.bytesWritten,
      bytesMissing: writer.bytesMissing,
    }),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
