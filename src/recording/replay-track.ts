import { stat } from "node:fs/promises";
import { readLines } from "../log-files/line-file.js";
import { findNodeLogs, nodeOfFile } from "../log-files/node-logs.js";
import { nameOf } from "../nodes/node-info.js";
import { lineObject } from "./log-line-object.js";
import type { ForwarderMessage } from "./recorded-forwarder.js";
import { isRecordedTraffic, namelessNode, readRecordedMessages } from "./recorded-messages.js";
import { withoutObjects } from "./recording-error.js";
import { refuseOtherFiles } from "./trace-lines.js";

/** A message of a node, to be sent again. */
export interface ReplayEvent {
  /** Microseconds since 1970, UTC; 0 if the source has no times. Never decreases. */
  readonly at: number;
  readonly message: ForwarderMessage;
}

/** What one node sent, from beginning to end, readable again and again. */
export interface ReplayTrack {
  readonly name: string;
  /** When its file begins, as `ReplayEvent.at`. */
  readonly began: number;
  /** Its data points, each as the node first sent it. */
  readonly dataPoints: ReadonlyMap<string, Uint8Array | undefined>;
  events(): AsyncGenerator<ReplayEvent>;
}

export interface ReplayTracks {
  readonly tracks: readonly ReplayTrack[];
  /** What could not be read; grows while tracks are read. */
  readonly remarks: readonly string[];
}

/**
 * Finds the nodes in recordings, raw forwarder bytes (`.bin`), log directories (a `logRoot` or one node's) and files of lines.
 * @throws RecordingError, and what the file system throws
 */
export async function openTracks(paths: readonly string[]): Promise<ReplayTracks> {
  const tracks: ReplayTrack[] = [];
  const remarks: string[] = [];
  for (const path of paths) {
    if ((await stat(path)).isDirectory()) {
      for (const { node, files } of await findNodeLogs(path))
        tracks.push(await openLogTrack(node, files, remarks));
    } else if (await isRecordedTraffic(path)) {
      tracks.push(...(await openRecordedTracks(path, remarks)));
    } else {
      await refuseOtherFiles(path);
      tracks.push(await openLogTrack(nodeOfFile(path), [path], remarks));
    }
  }
  return { tracks, remarks };
}

/** A node in a recording, while it is looked for. */
interface RecordedNode {
  name: string | undefined;
  readonly dataPoints: Map<string, Uint8Array | undefined>;
}

async function openRecordedTracks(file: string, remarks: string[]): Promise<ReplayTrack[]> {
  const byConnection = new Map<string, RecordedNode>();
  const own: string[] = [];
  let began: number | undefined;
  let hasObjects = false;
  for await (const { at, connection, message } of readRecordedMessages(file, (text) => own.push(text))) {
    began ??= at;
    hasObjects ||= message.kind === "objects";
    const node: RecordedNode = byConnection.get(connection) ?? { name: undefined, dataPoints: new Map() };
    byConnection.set(connection, node);
    if (message.kind !== "data-points") continue;
    node.name ??= nameOf(new Map(message.points));
    for (const [name, value] of message.points)
      if (!node.dataPoints.has(name)) node.dataPoints.set(name, value);
  }
  if (!hasObjects) throw withoutObjects(file, own);
  remarks.push(...own);
  return tracksOf(file, byConnection, began ?? 0);
}

/** A node that was connected several times is one track. */
function tracksOf(
  file: string,
  byConnection: ReadonlyMap<string, RecordedNode>,
  began: number,
): ReplayTrack[] {
  const tracks = new Map<string, { connections: Set<string>; dataPoints: RecordedNode["dataPoints"] }>();
  for (const [connection, { name = namelessNode(file, connection), dataPoints }] of byConnection) {
    const track = tracks.get(name);
    if (track === undefined) tracks.set(name, { connections: new Set([connection]), dataPoints });
    else track.connections.add(connection);
  }
  return [...tracks].map(([name, { connections, dataPoints }]) => ({
    name,
    began,
    dataPoints,
    async *events() {
      for await (const { at, connection, message } of readRecordedMessages(file, () => {}))
        if (connections.has(connection)) yield { at, message };
    },
  }));
}

async function openLogTrack(name: string, files: readonly string[], remarks: string[]): Promise<ReplayTrack> {
  // A track may be played many times; each problem is reported once.
  const reported = new Set<string>();
  const onRemark = (text: string) => {
    if (reported.size < reported.add(text).size) remarks.push(text);
  };
  const track = { name, dataPoints: new Map(), events: () => logEvents(files, onRemark) };
  for await (const { at } of track.events()) return { ...track, began: at };
  return { ...track, began: 0 };
}

async function* logEvents(
  files: readonly string[],
  onRemark: (text: string) => void,
): AsyncGenerator<ReplayEvent> {
  let at = 0;
  for (const file of files) {
    let isReported = false;
    for await (const { bytes, starts, ends, firstLine } of readLines(file)) {
      for (const [index, start] of starts.entries()) {
        const line = firstLine + index;
        // Files of cardano-tracer begin with an empty line.
        if (line === 1 && start === ends[index]) continue;
        const object = lineObject(bytes.subarray(start, ends[index]), at);
        if (object === undefined) {
          if (!isReported)
            onRemark(`${file}:${line}: this line, and perhaps more, is not UTF-8 and is left out`);
          isReported = true;
          continue;
        }
        // A clock that was set back, or lines out of order, must not stop the replay.
        at = Math.max(at, object.at ?? at);
        yield { at, message: { kind: "objects", objects: [object.encoded] } };
      }
    }
  }
}
