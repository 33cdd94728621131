import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeTraceReply } from "../../../src/protocol/trace-messages.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import type { Attack } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { smallestObject } from "./answers.js";
import { seconds } from "./metrics.js";

const people = (humanLayout: string) => ({
  logging: ["ForMachine", "ForHuman"].map((logFormat) => ({
    logRoot: "logs",
    logMode: "FileMode",
    logFormat,
  })),
  muninn: { humanLayout },
});

function flood(
  name: string,
  object: Uint8Array,
  config: Record<string, unknown>,
  peersCount: [number, number] = [32, 64],
): Attack {
  return {
    name,
    config,
    run: ({ socket, pick }) => {
      const count = Math.floor(2_000_000 / object.length);
      const bytes = Buffer.concat([
        Buffer.from("82039f", "hex"),
        Buffer.alloc(object.length * count, object),
        Buffer.from("ff", "hex"),
      ]);
      return withPeers(
        socket,
        pick(...peersCount),
        (index) => ({ name: `peer-${index}` }),
        async (peers) => {
          await seconds(0.5);
          await Promise.race([
            Promise.all(peers.map((peer) => peer.send(miniProtocols.traceObjects, bytes))),
            seconds(5),
          ]);
        },
      );
    },
  };
}

const small = Buffer.from(encodeTraceObject(smallestObject));
// times: extended (a 9-byte head) at offset 9
const head = Buffer.from("8900806080810081" + "00", "hex");
const tail = Buffer.from("6060", "hex");
const timed = (hex: string) => Buffer.concat([head, Buffer.from(hex, "hex"), tail]);

export const bytes: readonly Attack[] = [
  flood("flood console", small, people("console")),
  flood("flood text", small, people("text")),
  flood("flood float 1e308", timed("c1fb7fe0000000000000"), people("console")),
  flood("flood float ok", timed("c1fb41d0000000000001"), people("console")),
  flood(
    "flood text time",
    Buffer.concat([head, Buffer.from("c074", "hex"), Buffer.from("2026-02-16T09:30:01Z"), tail]),
    people("console"),
  ),
  flood(
    "flood int64 time",
    timed("d903e8a201" + "1b7fffffffffffffff" + "2b1bffffffffffffffff"),
    people("console"),
  ),
  flood(
    "flood neg time",
    timed("d903e8a201" + "3b7fffffffffffffff" + "2b1bffffffffffffffff"),
    people("console"),
  ),
];
void encodeTraceReply;
