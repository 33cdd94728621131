import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeTraceObject } from "../../../src/protocol/trace-object.js";
import type { Attack } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { smallestObject } from "./answers.js";
import { seconds } from "./metrics.js";

/** Peers that send this object again and again, beside log files for people. */
function flood(name: string, object: Uint8Array, more: Partial<Attack> = {}): Attack {
  return {
    name,
    config: {
      logging: ["ForMachine", "ForHuman"].map((logFormat) => ({
        logRoot: "logs",
        logMode: "FileMode",
        logFormat,
      })),
    },
    run: ({ socket, pick }) => {
      const objects = Buffer.alloc(2_000_000 - (2_000_000 % object.length), object);
      const bytes = Buffer.concat([Buffer.from("82039f", "hex"), objects, Buffer.from("ff", "hex")]);
      return withPeers(
        socket,
        pick(32, 64),
        (index) => ({ name: `peer-${index}` }),
        async (peers) => {
          await seconds(0.5);
          const sent = Promise.all(peers.map((peer) => peer.send(miniProtocols.traceObjects, bytes)));
          await Promise.race([sent, seconds(5)]);
        },
      );
    },
    ...more,
  };
}

/** The smallest object with another time, in hexadecimal CBOR. */
function timed(time: string): Uint8Array {
  return Buffer.from(`890080608081008100${time}6060`, "hex");
}

/** Attacks by what each object costs log files for people. */
export const bytes: readonly Attack[] = [
  flood("the smallest objects, as lines for people", encodeTraceObject(smallestObject)),
  flood("times far beyond the calendar", timed("c1fb7fe0000000000000"), { onlyWhole: true }),
  flood("times as texts", timed(`c074${Buffer.from("2026-02-16T09:30:01Z").toString("hex")}`), {
    onlyWhole: true,
  }),
];
