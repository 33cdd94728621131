import { readFile, stat } from "node:fs/promises";
import { requestedNames } from "../nodes/names.js";
import type { SentKeys } from "./sent-window.js";
import type { SentNode } from "./verify.js";

/** What `muninn simulate --json` reports about a node. */
interface NodeAccount {
  readonly name: string;
  readonly objectsSent: number;
  readonly thrownAway: number;
}

/** A larger file is not a report. */
const maxAccountBytes = 64 * 1024 * 1024;
const chunkKeys = 65_536;

/**
 * What simulated nodes sent according to their report (`muninn simulate --json`): numbers from 0 on, which their lines carry
 * as `seq`. Undefined for a file that is not such a report.
 * @throws what the file system throws
 */
export async function sentByAccount(
  file: string,
  onRemark: (text: string) => void,
): Promise<SentNode[] | undefined> {
  if ((await stat(file)).size > maxAccountBytes) return undefined;
  const nodes = readAccount(await readFile(file, "utf8"));
  return nodes?.map(({ name, objectsSent, thrownAway }) => {
    if (thrownAway > 0)
      onRemark(
        `${file}: ${name} dropped ${thrownAway} objects before they were asked for; they count as lost`,
      );
    const keyOf = (bytes: Buffer, start: number, end: number) =>
      numberIn(bytes.toString("utf8", start, end), name);
    return {
      node: requestedNames(name, name).directory,
      sent: numbersUpTo(objectsSent + thrownAway),
      keyOf,
      firstNumber: 0,
    };
  });
}

function readAccount(text: string): NodeAccount[] | undefined {
  try {
    const { nodes } = JSON.parse(text) as { nodes?: unknown };
    return Array.isArray(nodes) && nodes.every(isAccount) ? nodes : undefined;
  } catch {
    return undefined;
  }
}

function isAccount(node: Partial<NodeAccount> | null): node is NodeAccount {
  const { name, objectsSent, thrownAway } = node ?? {};
  return typeof name === "string" && Number.isSafeInteger(objectsSent) && Number.isSafeInteger(thrownAway);
}

function numbersUpTo(count: number): SentKeys {
  return {
    async *keysFrom(index) {
      for (let first = index; first < count; first += chunkKeys)
        yield Float64Array.from({ length: Math.min(chunkKeys, count - first) }, (_, at) => first + at);
    },
  };
}

/** The number of a line, in its data or at the top level; NaN if it has none, or the line is another node's. */
function numberIn(line: string, name: string): number {
  try {
    const {
      seq,
      data,
      host = name,
    } = JSON.parse(line) as { seq?: string; data?: { seq?: string }; host?: string };
    return host === name ? Number.parseInt(seq ?? data?.seq ?? "", 10) : Number.NaN;
  } catch {
    return Number.NaN;
  }
}
