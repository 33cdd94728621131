import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import type { Attack } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { smallestObject } from "./answers.js";
import { get, upgrade, withClients } from "./http.js";
import { seconds } from "./metrics.js";

/** What viewers of the page may do. */
export const viewers: readonly Attack[] = [
  {
    name: "viewers whose expressions take long, beside nodes with long objects",
    config: { muninn: { ui: { host: "127.0.0.1", port: 0 } } },
    counted: [/^muninn_live_.*skipped/],
    run: async ({ socket, daemon, pick }) => {
      const { served } = (await daemon.logged("started")) as unknown as { served: Record<string, string> };
      const objects = new Array(50).fill(
        encodeTraceObject({ ...smallestObject, machine: "A".repeat(65_536) }),
      );
      const reply = encodeTraceReply(objects);
      const views = Array.from({ length: pick(20, 100) }, (_, index) =>
        withClients(
          served.ui!,
          1,
          get(
            `/api/live?regex=${encodeURIComponent(`[^a-z]{${900 - index}}$`)}`,
            `${upgrade}Origin: http://h\r\n`,
          ),
          () => seconds(pick(5, 15)),
        ),
      );
      await seconds(1);
      await withPeers(
        socket,
        4,
        (index) => ({ name: `long-${index}` }),
        async (peers) => {
          const until = performance.now() + pick(2, 10) * 1_000;
          while (performance.now() < until) {
            await Promise.all(peers.map((peer) => peer.send(miniProtocols.traceObjects, reply)));
            await seconds(0.1);
          }
        },
      );
      await Promise.all(views);
    },
  },
];
