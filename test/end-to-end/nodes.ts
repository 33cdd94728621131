import { NumberedSource, type NumberedSourceOptions } from "../../src/testing/numbered-source.js";
import {
  type SimulatedNode,
  type SimulatedNodeOptions,
  simulatedNode,
} from "../../src/testing/simulated-node.js";

/** Reconnects at once: a test has no time to wait as real nodes do. */
const quickReconnect = { initialMs: 20, maxMs: 100 };

/** A node that counts, connected to (or waiting for) a tracer at `network`. */
export async function countingNode(
  network: SimulatedNodeOptions["network"],
  options: NumberedSourceOptions & Partial<Omit<SimulatedNodeOptions, "source" | "network">>,
): Promise<SimulatedNode> {
  const { name, count, rate, size, human, metrics, queue, ...rest } = options;
  const source = new NumberedSource({ name, count, rate, size, human, metrics, queue });
  return simulatedNode({ source, network, reconnect: quickReconnect, ...rest });
}

/** Like `countingNode`, for a tracer that listens on a socket file. */
export async function nodeAt(
  socket: string,
  options: Parameters<typeof countingNode>[1],
): Promise<SimulatedNode> {
  return countingNode({ mode: "connect", address: { kind: "unix", path: socket } }, options);
}
