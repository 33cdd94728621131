import { stat } from "node:fs/promises";
import { findNodeLogs, nodeOfFile } from "../log-files/node-logs.js";
import { isRecordedTraffic } from "../recording/recorded-messages.js";
import { lineKey } from "./line-key.js";
import { sentLines } from "./log-lines.js";
import { sentByAccount } from "./sent-account.js";
import { sentInRecording } from "./sent-recording.js";
import type { SentNode } from "./verify.js";

/** What was sent, by node, and what it keeps open. */
export interface Sent extends AsyncDisposable {
  readonly nodes: readonly SentNode[];
  /** What could not be read of it. */
  readonly remarks: readonly string[];
}

class SentError extends Error {
  override readonly name = "SentError";
}

/**
 * Opens what was sent: recordings, raw forwarder bytes (`.bin`), accounts of simulated nodes, log directories (a `logRoot` or one node's) and files of
 * lines, which belong to the node that their directory names, or, by another name than a log's, to the node of that name.
 * `name` replaces the names of all nodes.
 * @throws SentError where a node is in two of them, RecordingError, and what the file system throws
 */
export async function openSent(paths: readonly string[], options: { name?: string } = {}): Promise<Sent> {
  const nodes: SentNode[] = [];
  const remarks: string[] = [];
  const spools: AsyncDisposable[] = [];
  const files = new Map<string, string[]>();
  const addFiles = (node: string, added: readonly string[]) => {
    const name = options.name ?? node;
    files.set(name, [...(files.get(name) ?? []), ...added]);
  };
  async function dispose() {
    for (const spool of spools) await spool[Symbol.asyncDispose]();
  }
  const onRemark = (text: string) => {
    remarks.push(text);
  };
  async function openFile(path: string): Promise<void> {
    if (await isRecordedTraffic(path)) {
      const recorded = await sentInRecording(path, { ...options, onRemark });
      spools.push(recorded.spool);
      nodes.push(...recorded.nodes);
      return;
    }
    const account = await sentByAccount(path, onRemark);
    if (account === undefined) addFiles(nodeOfFile(path), [path]);
    else nodes.push(...account);
  }
  try {
    for (const path of paths) {
      if ((await stat(path)).isDirectory()) {
        for (const logs of await findNodeLogs(path)) addFiles(logs.node, logs.files);
      } else {
        await openFile(path);
      }
    }
    for (const [node, lines] of files) nodes.push({ node, sent: sentLines(lines), keyOf: lineKey });
    refuseClashes(nodes);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { nodes, remarks, [Symbol.asyncDispose]: dispose };
}

function refuseClashes(nodes: readonly SentNode[]): void {
  const names = nodes.map(({ node }) => node);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new SentError(`the node ${twice} is in two of what was sent; verify them one at a time`);
}
