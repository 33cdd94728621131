import { type Answer, jsonAnswer } from "../../http/answer.js";
import { loopSlices } from "../../http/loop-slices.js";
import type { NodeIdentity } from "../../nodes/identity.js";
import { nothing } from "./answers.js";

/** How long a node has to answer, in milliseconds. */
const answerTimeoutMs = 5_000;

/** A connected node that can be asked for data points. */
export interface AskableNode {
  readonly node: NodeIdentity;
  readonly session: {
    /** JSON documents by name; undefined if the node has none of that name, or does not answer. */
    dataPoints(
      names: readonly string[],
      timeoutMs: number,
    ): Promise<ReadonlyMap<string, Uint8Array | undefined> | undefined>;
  };
}

export interface AskableNodes {
  nodes(): Iterable<AskableNode>;
  bySlug(slug: string): AskableNode | undefined;
}

export function answerNodes(nodes: AskableNodes): Answer {
  return jsonAnswer(
    200,
    [...nodes.nodes()].map(({ node: { name, slug } }) => ({ nodeName: name, slug })),
  );
}

const pages: Readonly<Record<string, (node: AskableNode) => Promise<unknown>>> = {
  info: nodeInfo,
  startup: (node) => dataPoint(node, "NodeStartupInfo"),
  "sync-progress": syncProgress,
};

/** `SLUG/info`, `SLUG/startup`, `SLUG/sync-progress`. */
export async function answerNode(nodes: AskableNodes, path: string): Promise<Answer> {
  const [slug = "", page = "", ...rest] = path.split("/");
  const node = nodes.bySlug(slug);
  if (node === undefined || rest.length > 0 || !Object.hasOwn(pages, page)) return nothing;
  const value = await pages[page]!(node);
  return value === undefined ? nothing : jsonAnswer(200, value);
}

/** The node's own answer, with the seconds it has been running. */
async function nodeInfo(node: AskableNode): Promise<unknown> {
  const info = await dataPoint(node, "NodeInfo");
  if (typeof info !== "object" || info === null) return info;
  const { niStartTime } = info as { readonly niStartTime?: unknown };
  const startedAt = typeof niStartTime === "string" ? Date.parse(niStartTime) : Number.NaN;
  if (Number.isNaN(startedAt)) return info;
  return { ...info, uptimeSeconds: Math.round((Date.now() - startedAt) / 1_000) };
}

/** `{"tag":"NodeAddBlock","contents":[epoch, slot, percent]}` */
async function syncProgress(node: AskableNode): Promise<unknown> {
  const state = await dataPoint(node, "NodeAddBlock");
  const { contents } = (state ?? {}) as { readonly contents?: unknown };
  const percent: unknown = Array.isArray(contents) ? contents[2] : undefined;
  return typeof percent === "number" ? { syncProgress: percent } : undefined;
}

async function dataPoint({ session }: AskableNode, name: string): Promise<unknown> {
  const bytes = (await session.dataPoints([name], answerTimeoutMs))?.get(name);
  if (bytes === undefined) return undefined;
  // Reading it may take some milliseconds, and so may writing it.
  await loopSlices.turn();
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    return undefined;
  }
}
