import { readLines } from "../log-files/line-file.js";
import { findNodeLogs, type NodeLogs } from "../log-files/node-logs.js";
import type { Findings } from "./findings.js";
import { type FoundLine, OrderComparison } from "./order-comparison.js";
import type { SentKeys } from "./sent-window.js";
import { isRight, type NodeVerdict, type Verdict } from "./verdict.js";

/** What one node sent, and how a line is compared with it. */
export interface SentNode {
  /** The directory its lines belong in. */
  readonly node: string;
  readonly sent: SentKeys;
  /** The key of a line, NaN if it has none. */
  keyOf(bytes: Buffer, start: number, end: number): number;
  /** Number of the first object, for people: 1, or the first number in the lines themselves. */
  readonly firstNumber: number;
}

export interface VerifyOptions {
  readonly sent: readonly SentNode[];
  /** Each `logRoot` must contain everything. */
  readonly logs: readonly string[];
  /** Only nodes with these directories, both of those sent and of those found. */
  readonly only?: ReadonlySet<string>;
  /** Remarks to pass on. */
  readonly remarks?: readonly string[];
  /** In lines. @default 250_000 */
  readonly window?: number;
  /** Most places kept of each defect for each node. @default 5 */
  readonly maxPlaces?: number;
  readonly progress?: (done: Progress) => void;
}

interface Progress {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly node: string;
}

/** What was sent by a node that is not among the senders. */
const nothing: Pick<SentNode, "sent" | "keyOf" | "firstNumber"> = {
  sent: { async *keysFrom() {} },
  keyOf: () => Number.NaN,
  firstNumber: 1,
};

/**
 * Compares what nodes sent with their log files, one node at a time.
 * @throws what the file system throws for a directory or a file that cannot be read
 */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  const wanted = (node: string) => options.only === undefined || options.only.has(node);
  const sent = new Map(options.sent.filter(({ node }) => wanted(node)).map((one) => [one.node, one]));
  const roots: { root: string; found: NodeLogs[] }[] = [];
  for (const root of options.logs)
    roots.push({ root, found: (await findNodeLogs(root)).filter(({ node }) => wanted(node)) });

  const totalBytes = roots.flatMap(({ found }) => found).reduce((sum, { bytes }) => sum + bytes, 0);
  let bytesBefore = 0;
  const nodes: NodeVerdict[] = [];
  for (const { root, found } of roots) {
    const present = new Set(found.map(({ node }) => node));
    const absent = [...sent.keys()].filter((node) => !present.has(node));
    const logs = [...found, ...absent.map((node) => ({ node, files: [], bytes: 0 }))];
    for (const log of logs) {
      const expected = sent.get(log.node);
      const findings = await compare(log, expected ?? nothing, root, options, (bytes) =>
        options.progress?.({ bytes: bytesBefore + bytes, totalBytes, node: log.node }),
      );
      bytesBefore += log.bytes;
      const hasLog = log.files.length > 0;
      // Without a file there is no place to show.
      const places = hasLog ? findings.places : [];
      nodes.push({
        logs: root,
        node: log.node,
        wasSent: expected !== undefined,
        hasLog,
        ...findings,
        places,
      });
    }
  }
  return { ok: nodes.every(isRight), nodes, remarks: options.remarks ?? [] };
}

async function compare(
  log: NodeLogs,
  { sent, keyOf, firstNumber }: Pick<SentNode, "sent" | "keyOf" | "firstNumber">,
  root: string,
  options: VerifyOptions,
  progress: (bytes: number) => void,
): Promise<Findings> {
  const { window = 250_000, maxPlaces = 5 } = options;
  const comparison = new OrderComparison(sent, { window, maxPlaces, firstNumber });
  let end = { file: root, line: 1 };
  let bytesBefore = 0;
  try {
    for (const file of log.files) {
      end = { file, line: 1 };
      let bytesRead = 0;
      for await (const batch of readLines(file)) {
        const { bytes, starts, ends, firstLine } = batch;
        let key = keyOf(bytes, starts[0]!, ends[0]!);
        for (let at = 0; at < ends.length; at += 1) {
          const next = at + 1 < ends.length ? keyOf(bytes, starts[at + 1]!, ends[at + 1]!) : undefined;
          if (!comparison.takeExpected(key)) {
            const otherwise = () => lineKind(bytes, starts[at]!, ends[at]!, firstLine + at);
            await comparison.take({ key, file, line: firstLine + at, otherwise }, next);
          }
          key = next ?? Number.NaN;
        }
        end = { file, line: firstLine + ends.length };
        bytesRead = batch.bytesRead;
        progress(bytesBefore + bytesRead);
      }
      bytesBefore += bytesRead;
    }
    return await comparison.end(end);
  } finally {
    await comparison.stop();
  }
}

/** Classifies a line that was not sent. cardano-tracer's files begin with an empty line. */
function lineKind(
  bytes: Buffer,
  start: number,
  end: number,
  line: number,
): ReturnType<FoundLine["otherwise"]> {
  if (start === end) return line === 1 ? "blank" : "foreign";
  try {
    JSON.parse(bytes.toString("utf8", start, end));
    return "foreign";
  } catch {
    return "torn";
  }
}
