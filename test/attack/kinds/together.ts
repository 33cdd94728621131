import { encodeMetricsResponse } from "../../../src/protocol/metrics.js";
import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import type { Attack } from "../attack.js";
import { type HostilePeer, withPeers } from "../hostile-peer.js";
import { smallestObject, unfinishedObject } from "./answers.js";
import { get, upgrade, withClients } from "./http.js";
import { manyMetrics, seconds } from "./metrics.js";

/** The actions of peers, with equally many peers for each. */
function peerKinds() {
  const newMetrics = Array.from({ length: 6 }, (_, turn) => manyMetrics(1_000, `${"n".repeat(60)}.${turn}.`));
  const longText = encodeMetricsResponse([["text", { kind: "label", value: "a".repeat(2 ** 20) }]]);
  const objects = encodeTraceReply(new Array(1_000).fill(encodeTraceObject(smallestObject)));
  const unfinished = unfinishedObject(2 ** 20);
  const send = (miniProtocol: 1 | 2 | 3, bytes: Uint8Array) => (peer: HostilePeer) =>
    peer.send(miniProtocol, bytes);
  return [
    { metrics: (turn: number) => newMetrics[turn % newMetrics.length] },
    { metrics: () => undefined, act: send(miniProtocols.metrics, longText.subarray(0, -1)) },
    { metrics: () => undefined, act: send(miniProtocols.traceObjects, unfinished) },
    { metrics: () => newMetrics[0], act: send(miniProtocols.traceObjects, objects) },
  ];
}

/** All of them at the same time. */
export const together: readonly Attack[] = [
  {
    name: "as many peers and clients as are allowed, at the same time",
    run: async ({ socket, prometheus, ekg, pick }) => {
      const kinds = peerKinds();
      const kindOf = (index: number) => kinds[index % kinds.length]!;
      const clients = pick(100, 1_024);
      let turn = 0;
      await withPeers(
        socket,
        pick(256, 4_095),
        (index) => ({
          // One in sixteen has another peer's name.
          name: `peer-${index % 16 === 0 ? 0 : index}`,
          metrics: () => kindOf(index).metrics(turn++),
        }),
        async (peers) => {
          const sent = Promise.all(peers.map((peer, index) => kindOf(index).act?.(peer)));
          await Promise.all([
            withClients(prometheus, clients, get("/metrics"), () => seconds(pick(3, 10))),
            withClients(ekg, clients / 2, get("/peer-4", `${upgrade}Origin: http://h\r\n`), () =>
              seconds(pick(3, 10)),
            ),
            withClients(ekg, clients / 2, get("/peer-8", "Accept: application/json\r\n").repeat(50), () =>
              seconds(pick(3, 10)),
            ),
          ]);
          await Promise.race([sent, seconds(1)]);
        },
      );
    },
    bounds: { logBytes: 4 * 1_048_576 },
  },
];
