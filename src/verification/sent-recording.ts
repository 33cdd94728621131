import { requestedNames } from "../nodes/names.js";
import { nameOf } from "../nodes/node-info.js";
import { ProtocolError } from "../protocol/faults.js";
import { encodeTraceReply } from "../protocol/trace-messages.js";
import { TraceReplyDecoder } from "../protocol/trace-reply-decoder.js";
import { namesOfCopies } from "../recording/copies.js";
import { namelessNode, readRecordedMessages } from "../recording/recorded-messages.js";
import { withoutObjects } from "../recording/recording-error.js";
import { KeySpool } from "./key-spool.js";
import { lineKey } from "./line-key.js";
import type { SentNode } from "./verify.js";

/** Objects were recorded whole; the limit only prevents damaged data from filling the memory. */
const maxObjectBytes = 256 * 1024 * 1024;
const lineFeed = 0x0a;

/** One connection of a recording. */
interface Run {
  readonly id: string;
  /** Whether an object came that no tracer would accept. */
  isOver: boolean;
  /** The node's name, once it has given one. */
  name: string | undefined;
}

/**
 * What the nodes of a recording sent, in the order of their connections. The lines are what Muninn makes of the objects: a
 * line feed inside a text is a space.
 * @throws RecordingError, and what the file system throws
 */
export async function sentInRecording(
  file: string,
  options: { name?: string | undefined; copies: number; onRemark: (text: string) => void },
): Promise<{ nodes: SentNode[]; spool: KeySpool }> {
  const spool = await KeySpool.open();
  const runs = new Map<string, Run>();
  const remarks: string[] = [];
  const onRemark = (text: string) => {
    remarks.push(text);
    options.onRemark(text);
  };
  let hasObjects = false;
  try {
    for await (const { connection, message } of readRecordedMessages(file, onRemark)) {
      let run = runs.get(connection);
      if (run === undefined) {
        run = { id: connection, isOver: false, name: undefined };
        runs.set(connection, run);
      }
      if (message.kind === "data-points") run.name ??= nameOf(new Map(message.points));
      if (message.kind !== "objects") continue;
      hasObjects = true;
      if (run.isOver) continue;
      const { keys, fault } = keysOf(message.objects);
      run.isOver = fault !== undefined;
      if (fault !== undefined) onRemark(`${file}: ${connection}: ${fault}; the rest is skipped`);
      for (const key of keys) await spool.add(connection, key);
    }
    if (!hasObjects) throw withoutObjects(file, remarks);
    const connections = new Map<string, string[]>();
    for (const { id, name = namelessNode(file, id) } of runs.values()) {
      for (const copy of namesOfCopies(options.name ?? name, options.copies)) {
        const node = requestedNames(copy, id).directory;
        const known = connections.get(node);
        if (known === undefined) connections.set(node, [id]);
        else known.push(id);
      }
    }
    return { nodes: await joined(connections, spool), spool };
  } catch (error) {
    await spool[Symbol.asyncDispose]();
    throw error;
  }
}

/** A node that was connected several times is one run. */
async function joined(nodes: ReadonlyMap<string, string[]>, spool: KeySpool): Promise<SentNode[]> {
  const sent: SentNode[] = [];
  for (const [node, connections] of nodes)
    sent.push({ node, sent: await spool.joined(connections), keyOf: lineKey, firstNumber: 1 });
  return sent;
}

/** The keys of objects' lines, up to the first object that no tracer would accept, and why it would not. */
function keysOf(objects: readonly Uint8Array[]): { keys: number[]; fault: string | undefined } {
  const decoder = new TraceReplyDecoder({ maxObjectBytes });
  let fault: string | undefined;
  try {
    decoder.push(encodeTraceReply(objects));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    fault = error.message;
  }
  const lines = decoder.take()?.machineLines() ?? new Uint8Array();
  const keys: number[] = [];
  let start = 0;
  for (let end = lines.indexOf(lineFeed); end !== -1; end = lines.indexOf(lineFeed, start)) {
    keys.push(lineKey(lines, start, end));
    start = end + 1;
  }
  return { keys, fault };
}
