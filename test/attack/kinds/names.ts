import { readdirSync } from "node:fs";
import type { Attack } from "../attack.js";
import { HostilePeer, withPeers } from "../hostile-peer.js";

/** Peers that connect one after the other, each with its own name. */
function namesInTurn(nameOf: (index: number) => string, small: number, whole: number): Attack["run"] {
  return async ({ socket, daemon, pick }) => {
    for (let index = 0; index < pick(small, whole); index += 1) {
      const known = daemon.log.length;
      using peer = await HostilePeer.at(socket, { name: nameOf(index) });
      const isNamed = daemon.logged("node_connected", (line) => daemon.log.indexOf(line) >= known);
      await Promise.race([isNamed, peer.ended]);
    }
  };
}

/** Attacks by nodes' names. */
export const names: readonly Attack[] = [
  { name: "names of 100,000 dashes", run: namesInTurn((index) => `${"-".repeat(100_000)}x${index}`, 3, 5) },
  {
    name: "names of 80,000 ligatures",
    run: namesInTurn((index) => `${"\u{fdfa}".repeat(80_000)}${index}`, 3, 5),
  },
  {
    name: "names of one megabyte",
    run: ({ socket, pick }) =>
      withPeers(
        socket,
        pick(20, 200),
        (index) => ({ name: `${index}${"a".repeat(1_000_000)}` }),
        (peers) => Promise.all(peers.map(({ ended }) => ended)),
      ),
    counted: [/^muninn_connections_ended_total\{reason="too-long"/],
    said: ["connection_failed"],
  },
  {
    name: "NodeInfo documents that are slow to parse, from many nodes at once",
    run: ({ socket, pick }) => {
      const keys = Array.from({ length: 12_000 }, (_, index) => `"${index * 1_000_003}":1`);
      const info = Buffer.from(`{${keys.join(",")},"niName":"long"}`);
      return withPeers(
        socket,
        pick(150, 1_500),
        () => ({ info }),
        () => new Promise((resolve) => setTimeout(resolve, pick(3_000, 10_000))),
      );
    },
    bounds: { logBytes: 4 * 1_024 * 1_024 },
  },
  {
    name: "names made of control characters",
    onlyWhole: true,
    run: namesInTurn((index) => `\u001b]0;${index}\u0007\u202e\u009b2J\r\n\u2066x`.repeat(1_000), 3, 5),
  },
  {
    name: "peers that each have a new name",
    run: async ({ socket, place, pick }) => {
      for (let begun = 0; begun < pick(1_200, 5_000); begun += 200) {
        await withPeers(
          socket,
          200,
          (index) => ({ name: `${begun + index}-${"n".repeat(230)}` }),
          (peers) => Promise.all(peers.map((peer) => Promise.race([peer.ended, namedSoon()]))),
        );
      }
      const directories = readdirSync(place.logRoot).length;
      if (directories > 1_100) throw new Error(`${directories} directories`);
    },
    bounds: { logBytes: 4 * 1_024 * 1_024 },
    counted: [/^muninn_connections_ended_total\{reason="too-many-names"/],
    said: ["connection_failed"],
  },
];

/** Long enough for a peer to send its name. */
function namedSoon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500));
}
