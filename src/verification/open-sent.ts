import { stat } from "node:fs/promises";
import { findNodeLogs, nodeOfFile } from "../log-files/node-logs.js";
import { namesOfCopies } from "../recording/copies.js";
import { isRecordedTraffic } from "../recording/recorded-messages.js";
import { refuseOtherFiles } from "../recording/trace-lines.js";
import { lineKey } from "./line-key.js";
import { sentLines } from "./log-lines.js";
import { sentByAccount } from "./sent-account.js";
import { SentError } from "./sent-error.js";
import { sentInRecording } from "./sent-recording.js";
import type { SentNode } from "./verify.js";

export interface SentOptions {
  /** Instead of the names of all nodes. */
  readonly name?: string | undefined;
  /** How often each node was replayed, as `NAME-1`, `NAME-2` … @default 1 */
  readonly copies?: number | undefined;
}

/** What was sent, by node, and the files it keeps open. */
export interface Sent extends AsyncDisposable {
  readonly nodes: readonly SentNode[];
  /** Which parts of it could not be read. */
  readonly remarks: readonly string[];
}

/**
 * Opens what was sent: recordings, raw forwarder bytes (`.bin`), accounts of simulated nodes, log directories (a `logRoot` or one node's) and files of
 * lines. A file named like a log belongs to the node that its directory is named after, any other to the node it is named after.
 * @throws SentError if a node is in two of them, RecordingError, and what reading throws
 */
export async function openSent(paths: readonly string[], options: SentOptions = {}): Promise<Sent> {
  const { copies = 1 } = options;
  const nodes: SentNode[] = [];
  const remarks: string[] = [];
  const spools: AsyncDisposable[] = [];
  const files = new Map<string, string[]>();
  const addFiles = (node: string, added: readonly string[]) => {
    const name = options.name ?? node;
    const known = files.get(name);
    if (known === undefined) files.set(name, [...added]);
    else for (const file of added) known.push(file);
  };
  async function dispose() {
    for (const spool of spools) await spool[Symbol.asyncDispose]();
  }
  const onRemark = (text: string) => {
    remarks.push(text);
  };
  async function openFile(path: string): Promise<void> {
    if (await isRecordedTraffic(path)) {
      const recorded = await sentInRecording(path, { ...options, copies, onRemark });
      spools.push(recorded.spool);
      nodes.push(...recorded.nodes);
      return;
    }
    const account = await sentByAccount(path, onRemark);
    if (account === undefined) {
      await refuseOtherFiles(path);
      addFiles(nodeOfFile(path), [path]);
    } else if (copies === 1) nodes.push(...account);
    else throw new SentError(`${path} is the account of simulated nodes, which have no copies`);
  }
  try {
    for (const path of paths) {
      if ((await stat(path)).isDirectory()) {
        for (const logs of await findNodeLogs(path)) addFiles(logs.node, logs.files);
      } else {
        await openFile(path);
      }
    }
    for (const [name, lines] of files) {
      const sent = sentLines(lines);
      for (const node of namesOfCopies(name, copies))
        nodes.push({ node, sent, keyOf: lineKey, firstNumber: 1 });
    }
    refuseClashes(nodes);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { nodes, remarks, [Symbol.asyncDispose]: dispose };
}

function refuseClashes(nodes: readonly SentNode[]): void {
  const seen = new Set<string>();
  const twice = nodes.find(({ node }) => seen.size === seen.add(node).size)?.node;
  if (twice !== undefined)
    throw new SentError(`the node ${twice} is in two inputs of --sent; verify them one at a time`);
}
