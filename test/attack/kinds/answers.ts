import { encodeDataPointsReply } from "../../../src/protocol/data-points.js";
import { encodeMetricsResponse } from "../../../src/protocol/metrics.js";
import { type MiniProtocol, miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject, type TraceObject } from "../../../src/protocol/trace-object.js";
import type { Attack, Target } from "../attack.js";
import { type HostilePeer, withPeers } from "../hostile-peer.js";
import { manyMetrics, seconds } from "./metrics.js";

/** Peers that send the same bytes as one mini-protocol, and then wait. */
function allSend(
  miniProtocol: MiniProtocol,
  bytesOf: (target: Target) => Uint8Array,
  options: { peers: readonly [small: number, whole: number]; waitSeconds?: number; times?: number },
): Attack["run"] {
  return (target) => {
    const bytes = bytesOf(target);
    const send = async (peer: HostilePeer) => {
      for (let time = 0; time < (options.times ?? 1) && !peer.isOver; time += 1)
        await peer.send(miniProtocol, bytes);
    };
    return withPeers(
      target.socket,
      target.pick(...options.peers),
      (index) => ({ name: `peer-${index}` }),
      async (peers) => {
        await Promise.all(peers.map(send));
        await seconds(options.waitSeconds ?? 1);
      },
    );
  };
}

/** An object whose machine text says it is `bytes` long, of which one is absent. */
export function unfinishedObject(bytes: number): Uint8Array {
  const head = Buffer.from("82039f8900807a00000000", "hex");
  head.writeUInt32BE(bytes, head.length - 4);
  return Buffer.concat([head, Buffer.alloc(bytes - 1, "a")]);
}

/** An object with all fields, all empty. */
export const smallestObject: TraceObject = {
  human: undefined,
  machine: "",
  namespace: [],
  severity: "Debug",
  details: "DMinimal",
  timestamp: { seconds: 0, picoseconds: 0 },
  host: "",
  thread: "",
};

/** Objects whose texts are one repeated character, also in files for people. */
function allOf(character: string): Attack {
  return {
    name: `objects made only of ${JSON.stringify(character)}`,
    config: {
      logging: ["ForMachine", "ForHuman"].map((logFormat) => ({
        logRoot: "logs",
        logMode: "FileMode",
        logFormat,
      })),
    },
    run: allSend(
      miniProtocols.traceObjects,
      ({ pick }) => {
        const text = character.repeat(pick(2, 15) * 1_000_000);
        const only = { ...smallestObject, machine: "" };
        return encodeTraceReply([
          encodeTraceObject({ ...only, human: text }),
          encodeTraceObject({ ...only, machine: text }),
        ]);
      },
      { peers: [4, 4], waitSeconds: 3 },
    ),
  };
}

/** Attacks by peers' answers. */
export const answers: readonly Attack[] = [
  {
    name: "unfinished metrics answers of 60 MiB",
    onlyWhole: true,
    run: allSend(
      miniProtocols.metrics,
      ({ pick }) => manyMetrics(pick(1_000_000, 3_000_000), "metric").subarray(0, -1),
      { peers: [12, 40] },
    ),
  },
  {
    name: "a metric whose text of 60 MiB never ends",
    run: allSend(
      miniProtocols.metrics,
      ({ pick }) =>
        encodeMetricsResponse([
          ["text", { kind: "label", value: "a".repeat(pick(20, 60) * 1_048_576) }],
        ]).subarray(0, -1),
      { peers: [12, 40] },
    ),
  },
  {
    name: "unfinished data points of 250 KiB from many nodes",
    run: allSend(
      miniProtocols.dataPoints,
      () => encodeDataPointsReply([["NodeInfo", Buffer.alloc(250 * 1_024)]]).subarray(0, -1),
      { peers: [300, 2_000] },
    ),
    bounds: { logBytes: 1_048_576 },
  },
  {
    name: "unfinished data points of 60 MiB",
    onlyWhole: true,
    run: allSend(
      miniProtocols.dataPoints,
      () => encodeDataPointsReply([["NodeInfo", Buffer.alloc(60 * 1_048_576)]]).subarray(0, -1),
      { peers: [12, 40] },
    ),
    counted: [/^muninn_connections_ended_total\{reason="too-long"/],
    said: ["connection_failed"],
  },
  {
    name: "data points in chunks of one byte",
    run: allSend(
      miniProtocols.dataPoints,
      ({ pick }) => {
        const chunks = pick(125_000, 10_000_000);
        const head = Buffer.from("82039f8268", "hex");
        const value = Buffer.concat([
          Buffer.from("815f", "hex"),
          Buffer.alloc(2 * chunks, Buffer.from("4161", "hex")),
        ]);
        return Buffer.concat([head, Buffer.from("NodeInfo"), value, Buffer.from("ffff", "hex")]);
      },
      { peers: [20, 20] },
    ),
  },
  {
    name: "unfinished objects of 15 MiB",
    run: allSend(miniProtocols.traceObjects, () => unfinishedObject(15 * 1_048_576), { peers: [20, 60] }),
    bounds: { logBytes: 1_048_576 },
  },
  {
    name: "replies of a million empty lists",
    onlyWhole: true,
    run: allSend(
      miniProtocols.traceObjects,
      ({ pick }) => Buffer.alloc(3 * pick(300_000, 3_000_000), Buffer.from("820380", "hex")),
      { peers: [4, 8] },
    ),
  },
  {
    name: "the smallest objects, as many as possible",
    run: allSend(
      miniProtocols.traceObjects,
      ({ pick }) => {
        const object = encodeTraceObject(smallestObject);
        return Buffer.concat([
          Buffer.from("82039f", "hex"),
          Buffer.alloc(object.length * pick(100_000, 1_000_000), object),
          Buffer.from("ff", "hex"),
        ]);
      },
      { peers: [4, 8] },
    ),
  },
  allOf("\n"),
  allOf("\u001b"),
  {
    name: "metrics answers that were not requested",
    run: allSend(miniProtocols.metrics, () => manyMetrics(30_000, "metric.of.some.length."), {
      peers: [10, 20],
      times: 50,
    }),
    counted: [/^muninn_connections_ended_total\{reason="unexpected-message"/],
    said: ["connection_failed"],
  },
  {
    name: "data points that were not requested",
    onlyWhole: true,
    run: allSend(
      miniProtocols.dataPoints,
      () => encodeDataPointsReply([["Other", Buffer.alloc(200 * 1_024)]]),
      { peers: [10, 20], times: 50 },
    ),
    counted: [/^muninn_connections_ended_total\{reason="unexpected-message"/],
    said: ["connection_failed"],
  },
  {
    name: "half a million segments of one byte",
    onlyWhole: true,
    run: ({ socket, pick }) => {
      const bytes = unfinishedObject(pick(500_000, 5_000_000));
      return withPeers(
        socket,
        8,
        (index) => ({ name: `bytes-${index}` }),
        (peers) => Promise.all(peers.map((peer) => peer.send(miniProtocols.traceObjects, bytes, 1))),
      );
    },
  },
];
