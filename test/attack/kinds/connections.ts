import { connect, type Socket } from "node:net";
import type { Attack, Target } from "../attack.js";
import { proposal, withPeers } from "../hostile-peer.js";
import { scrape, seconds } from "./metrics.js";

/** This many sockets, `atOnce` at a time, until the tracer has closed each. */
async function visits(
  target: Target,
  options: { count: number; atOnce: number; does: (socket: Socket) => void },
): Promise<void> {
  let begun = 0;
  const visitor = async () => {
    while (begun < options.count) {
      begun += 1;
      const socket = connect(target.socket);
      socket.on("error", () => {}).resume();
      options.does(socket);
      // A refused one is reset.
      await new Promise((resolve) => socket.once("close", resolve));
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, visitor));
}

/** Attacks by connecting. */
export const connections: readonly Attack[] = [
  {
    name: "connections that send bytes of no protocol",
    run: (target) =>
      visits(target, {
        count: target.pick(1_500, 40_000),
        atOnce: 50,
        does: (socket) => socket.end(Buffer.alloc(64, 0xff)),
      }),
    counted: [/^muninn_handshakes_refused_total/],
    said: ["connection_failed"],
  },
  {
    name: "connections that close without sending a byte",
    onlyWhole: true,
    run: (target) =>
      visits(target, { count: target.pick(1_500, 40_000), atOnce: 50, does: (socket) => socket.end() }),
  },
  {
    name: "connections that close right after the handshake",
    run: (target) =>
      visits(target, {
        count: target.pick(1_000, 20_000),
        atOnce: 50,
        does: (socket) => socket.end(proposal),
      }),
    bounds: { logBytes: 1_048_576 },
  },
  {
    name: "handshakes sent slowly, byte by byte",
    config: { muninn: { handshakeTimeout: "2s" } },
    run: (target) =>
      visits(target, {
        count: target.pick(500, 4_000),
        atOnce: target.pick(500, 4_000),
        does: (socket) => {
          let at = 0;
          const drip = setInterval(() => {
            socket.write(proposal.subarray(at, at + 1));
            at += 1;
          }, 1_000);
          socket.once("close", () => clearInterval(drip));
        },
      }),
    counted: [/^muninn_handshakes_refused_total\{reason="handshake-timeout"/],
    said: ["connection_failed"],
  },
  {
    name: "peers that are silent after the handshake",
    onlyWhole: true,
    run: ({ socket, prometheus, pick }) =>
      withPeers(
        socket,
        pick(500, 4_000),
        () => ({}),
        async () => {
          await seconds(2);
          await scrape(prometheus);
        },
      ),
    bounds: { logBytes: 4 * 1_048_576 },
  },
  {
    name: "more connections than are allowed",
    onlyWhole: true,
    config: { muninn: { maxConnections: 200 } },
    run: ({ socket, pick }) =>
      withPeers(
        socket,
        pick(1_000, 5_000),
        () => ({}),
        () => seconds(1),
      ),
    counted: [/^muninn_connections_turned_away_total/],
    said: ["connections_turned_away"],
  },
  {
    name: "more connections than the process may have files open",
    under: ["prlimit", "--nofile=256:256"],
    run: ({ socket, pick }) =>
      withPeers(
        socket,
        pick(1_000, 5_000),
        () => ({}),
        () => seconds(1),
      ),
    counted: [/^muninn_connections_turned_away_total/],
  },
];
