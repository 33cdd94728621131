import { createServer, type Socket } from "node:net";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import { freePort } from "../../end-to-end/daemon.js";
import type { Attack, Target } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { smallestObject } from "./answers.js";
import { seconds } from "./metrics.js";

const port = await freePort("127.0.0.1");
const info = {
  server_id: "A",
  version: "2.10.0",
  host: "127.0.0.1",
  port,
  headers: true,
  jetstream: true,
  max_payload: 1_048_576,
  proto: 1,
};

/** The configuration for sending to a stream there. */
function config(options: Record<string, unknown>): NonNullable<Attack["config"]> {
  return {
    muninn: {
      sinks: [{ kind: "nats", servers: [`nats://127.0.0.1:${port}`], stream: "TRACES", ...options }],
    },
  };
}

/** A server that violates the NATS protocol, while nodes send objects for it. */
function besideServer(serve: (socket: Socket) => void): Attack["run"] {
  return async ({ socket, daemon, pick }: Target) => {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      sockets.add(client);
      client.on("error", () => {}).once("close", () => sockets.delete(client));
      serve(client);
    }).listen(port, "127.0.0.1");
    const reply = encodeTraceReply(
      new Array(100).fill(encodeTraceObject({ ...smallestObject, machine: "a".repeat(2_000) })),
    );
    try {
      await withPeers(
        socket,
        pick(20, 400),
        (index) => ({ name: `nats-${index}` }),
        async (peers) => {
          const until = performance.now() + pick(6, 25) * 1_000;
          while (performance.now() < until) {
            await Promise.all(peers.map((peer) => Promise.race([peer.send(2, reply), seconds(1)])));
            await seconds(0.1);
          }
          // None of them has kept anything.
          const own = await (await daemon.page("/metrics/self")).text();
          if (!/^muninn_nats_objects_total\{.*\} 0$/m.test(own))
            throw new Error("objects are said to be sent");
        },
      );
    } finally {
      for (const client of sockets) client.destroy();
      server.close();
    }
  };
}

function hello(socket: Socket, said: Record<string, unknown> = info): void {
  socket.write(`INFO ${JSON.stringify(said)}\r\n`);
}

/** It answers pings, which keeps the connection. */
function answersPings(socket: Socket): void {
  socket.on("data", (chunk: Buffer) => {
    if (chunk.includes("PING\r\n")) socket.write("PONG\r\n");
  });
}

/** Accepts Muninn, and then sends this endlessly. */
function floods(text: string): (socket: Socket) => void {
  const piece = Buffer.from(text.repeat(Math.ceil(65_536 / text.length)));
  return (socket) => {
    hello(socket);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.once("data", () => {
      socket.write("PONG\r\n");
      more();
    });
    socket.on("drain", more);
  };
}

const bestEffort = config({ required: false });
const bounds = { logBytes: 1_048_576 };

/** Attacks by servers that Muninn sends to. */
export const servers: readonly Attack[] = [
  {
    name: "a NATS server that accepts every login and closes at once",
    config: bestEffort,
    bounds,
    run: besideServer((socket) => {
      hello(socket);
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("PING\r\n")) socket.end("PONG\r\n");
      });
    }),
    said: ["nats_failed"],
  },
  {
    name: "a NATS server that does not announce its longest message",
    config: bestEffort,
    bounds,
    run: besideServer((socket) => {
      const { max_payload: _, ...said } = info;
      hello(socket, said);
      answersPings(socket);
    }),
    said: ["nats_failed"],
  },
  {
    name: "a NATS server that acknowledges nothing",
    config: bestEffort,
    bounds,
    run: besideServer((socket) => {
      hello(socket);
      answersPings(socket);
    }),
    counted: [/^muninn_nats_retries_total/],
    said: ["nats_failed"],
  },
  {
    name: "a NATS server that sends endless pings and reads nothing",
    config: bestEffort,
    bounds,
    run: besideServer(floods("PING\r\n")),
    counted: [/^muninn_nats_server_faults_total/],
    said: ["nats_failed"],
  },
  {
    name: "a NATS server that repeats its INFO line, with other servers each time",
    config: bestEffort,
    bounds,
    run: besideServer(
      floods(`INFO ${JSON.stringify({ ...info, connect_urls: new Array(2_000).fill("127.0.0.1:9") })}\r\n`),
    ),
    counted: [/^muninn_nats_server_faults_total/],
    said: ["nats_failed"],
  },
  {
    name: "a NATS server whose first line never ends",
    config: bestEffort,
    bounds,
    run: besideServer((socket) => {
      const piece = Buffer.alloc(65_536, "a");
      const more = () => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on("drain", more);
      more();
    }),
    counted: [/^muninn_nats_server_faults_total/],
    said: ["nats_failed"],
  },
  {
    name: "a NATS server that sends messages that were not requested",
    onlyWhole: true,
    config: bestEffort,
    bounds,
    run: besideServer(floods(`MSG a 1 1000000\r\n${"a".repeat(1_000_000)}\r\n`)),
    said: ["nats_failed"],
  },
  {
    name: "a required NATS server that reads nothing",
    onlyWhole: true,
    config: config({ required: true }),
    bounds: { ...bounds, healthyShare: -1 },
    withoutHealthyNode: true,
    // Something could not be written.
    exit: 1,
    run: besideServer((socket) => {
      hello(socket);
      socket.once("data", (chunk: Buffer) => {
        if (chunk.includes("PING\r\n")) socket.write("PONG\r\n");
        socket.pause();
      });
    }),
  },
];
