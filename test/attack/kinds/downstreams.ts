import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeDataPointsRequest } from "../../../src/protocol/data-points.js";
import { encodeMetricsRequest } from "../../../src/protocol/metrics.js";
import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../../src/protocol/mux.js";
import type { Attack } from "../attack.js";
import { HostilePeer, withPeers } from "../hostile-peer.js";
import { manyMetrics, seconds } from "./metrics.js";

const socket = join(tmpdir(), `muninn-${process.pid}-down.sock`);

const forwarding = [{ tag: "AcceptAt", contents: socket }, [], { queueSize: 192, verbosity: "Minimum" }];

/** Attacks by tracers that Muninn forwards to. */
export const downstreams: readonly Attack[] = [
  {
    name: "downstream tracers that connect and leave again and again",
    config: { hasForwarding: forwarding },
    run: async ({ pick }) => {
      let begun = 0;
      const visitor = async () => {
        while (begun++ < pick(500, 8_000)) {
          using _ = await HostilePeer.at(socket);
        }
      };
      await Promise.all(Array.from({ length: 12 }, visitor));
    },
    said: ["downstream_connected", "downstream_left"],
  },
  {
    name: "downstream tracers that send thousands of requests at once",
    config: {
      hasForwarding: forwarding,
      muninn: { forwarding: { name: "up", metrics: true, dataPoints: true } },
    },
    run: async ({ socket: nodes, pick }) => {
      const metrics = manyMetrics(9_000, "a.metric.of.some.length.");
      const requests = [
        encodeSegments("opener", miniProtocols.metrics, encodeMetricsRequest({ kind: "updated" }), 0),
        encodeSegments("opener", miniProtocols.metrics, encodeMetricsRequest({ kind: "all" }), 0),
        encodeSegments(
          "opener",
          miniProtocols.dataPoints,
          encodeDataPointsRequest(new Array(100_000).fill("n")),
          0,
        ),
      ].map((request) =>
        Buffer.concat(new Array(pick(500, 3_000)).fill(request).slice(0, 4_000_000 / request.length)),
      );
      await withPeers(
        nodes,
        8,
        (index) => ({ name: `big-${index}`, metrics: () => metrics }),
        async () => {
          await seconds(1.5);
          for (let round = 0; round < pick(2, 10); round += 1) {
            await Promise.all(
              requests.map(async (bytes) => {
                using peer = await HostilePeer.at(socket);
                await Promise.race([peer.raw(bytes), seconds(2)]);
                await Promise.race([peer.ended, seconds(1)]);
              }),
            );
          }
        },
      );
    },
  },
];
