import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import type { Attack, Target } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { smallestObject } from "./answers.js";
import { get, upgrade, withClients } from "./http.js";
import { seconds } from "./metrics.js";

const config = { muninn: { ui: { host: "127.0.0.1", port: 0 } } };

async function pageOf({ daemon }: Target): Promise<string> {
  const { served } = (await daemon.logged("started")) as unknown as { served: Record<string, string> };
  return served.ui!;
}

function watching(parameter: "regex" | "text", value: string): string {
  return get(`/api/live?${parameter}=${encodeURIComponent(value)}`, `${upgrade}Origin: http://h\r\n`);
}

/** Slowest to search for, in texts of a single repeated letter. */
const longSearch = `${"A".repeat(500)}B${"A".repeat(490)}`;

/** What viewers of the page may do. */
export const viewers: readonly Attack[] = [
  {
    name: "viewers whose regular expressions take long to compile",
    config,
    run: async (target) => {
      const page = await pageOf(target);
      const expressions = ["x{1000}".repeat(140), "(?i)\\pL\\pN".repeat(38), "(?:[^a]{9}){1000}"];
      for (let round = 0; round < target.pick(3, 20); round += 1) {
        await Promise.all(
          expressions.map((expression) =>
            withClients(page, 30, watching("regex", expression), () => seconds(0.5)),
          ),
        );
      }
    },
  },
  {
    name: "viewers that search for long texts while nodes send objects of several megabytes",
    config,
    run: async (target) => {
      const page = await pageOf(target);
      const machine = "A".repeat(target.pick(2, 8) * 2 ** 20);
      const reply = encodeTraceReply([encodeTraceObject({ ...smallestObject, machine })]);
      const looking = Array.from({ length: 40 }, (_, index) =>
        withClients(page, 1, watching("text", `${longSearch}${index}`), () => seconds(target.pick(5, 15))),
      );
      await seconds(1);
      await withPeers(
        target.socket,
        4,
        (index) => ({ name: `long-${index}` }),
        async (peers) => {
          for (let round = 0; round < target.pick(3, 10); round += 1) {
            await Promise.all(
              peers.map((peer) => Promise.race([peer.send(miniProtocols.traceObjects, reply), seconds(2)])),
            );
            await seconds(0.2);
          }
        },
      );
      await Promise.all(looking);
    },
  },
  {
    name: "thousands of nodes that leave at the same time while the page is open",
    config,
    run: async (target) => {
      const page = await pageOf(target);
      for (let round = 0; round < target.pick(2, 4); round += 1) {
        await withPeers(
          target.socket,
          target.pick(300, 4_000),
          (index) => ({ name: `leaving-${index % 900}` }),
          async () => {
            await seconds(target.pick(1, 4));
            await withClients(page, target.pick(50, 500), get("/api/overview"), () => seconds(1));
          },
        );
        await seconds(1);
      }
    },
    bounds: { logBytes: 8 * 1_048_576 },
  },
  {
    name: "viewers with slow regular expressions while nodes send long objects",
    config,
    counted: [/^muninn_live_.*skipped/],
    run: async (target) => {
      const { socket, pick } = target;
      const page = await pageOf(target);
      const objects = new Array(50).fill(
        encodeTraceObject({ ...smallestObject, machine: "A".repeat(65_536) }),
      );
      const reply = encodeTraceReply(objects);
      const views = Array.from({ length: pick(20, 100) }, (_, index) =>
        withClients(page, 1, watching("regex", `[^a-z]{${900 - index}}$`), () => seconds(pick(5, 15))),
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
