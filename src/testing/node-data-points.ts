import { nodeInfoName } from "../nodes/node-info.js";

/** The data points of a node of 2026; without `NodeInfo` if it has no name. */
export function nodeDataPoints(name: string | undefined): Map<string, Uint8Array | undefined> {
  const points = new Map<string, Uint8Array | undefined>([
    [
      "NodeStartupInfo",
      json({ suiEra: "Conway", suiSlotLength: 1, suiEpochLength: 432_000, suiSlotsPerKESPeriod: 129_600 }),
    ],
    ["NodeAddBlock", json({ tag: "NodeAddBlock", contents: [{}, {}, 100] })],
  ]);
  if (name !== undefined) {
    const info = { niName: name, niProtocol: "Byron; Shelley", niVersion: "10.5.1", niCommit: "ca1ec278" };
    const niStartTime = new Date().toISOString();
    points.set(nodeInfoName, json({ ...info, niStartTime, niSystemStartTime: "2017-09-23T21:44:51Z" }));
  }
  return points;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
