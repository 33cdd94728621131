import { describe, expect, test } from "vitest";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { encodeMetricsResponse } from "../../src/protocol/metrics.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { replyOf, ScriptedPeer } from "./scripted-peer.js";
import { begin, TestHost, until } from "./test-host.js";

type Begun = ReturnType<typeof begin>;

async function named({ peer, host }: Begun): Promise<void> {
  const before = host.nodes.length;
  await peer.shakeHands();
  await peer.tellName("relay");
  await until(() => host.nodes.length > before);
}

/** Every way in which a session ends, by the code it ends with; absent if nobody was at fault. */
const ends: Record<string, { code?: string; play: (begun: Begun) => unknown }> = {
  "a peer that leaves without a byte": { code: "probe", play: ({ peer }) => void peer.stream.end() },
  "a peer that is reset without a byte": {
    code: "probe",
    play: ({ peer }) => void peer.connection.stream.destroy(new Error("reset")),
  },
  garbage: {
    code: "segment-wrong-direction",
    play: ({ peer }) => void peer.stream.end(Buffer.alloc(99, 0xff)),
  },
  "half a handshake": {
    code: "handshake-cut",
    play: ({ peer }) => void peer.stream.end(Uint8Array.of(0, 0)),
  },
  "another network": {
    code: "handshake-refused",
    play: ({ peer }) => {
      peer.send(miniProtocols.handshake, encodeProposal(2));
      peer.stream.end();
    },
  },
  "a peer that leaves after the handshake": {
    play: async ({ peer }) => {
      await peer.shakeHands();
      peer.stream.end();
    },
  },
  "a node that leaves with objects held": {
    play: async ({ peer, session }) => {
      await peer.shakeHands();
      peer.reply(["one", "two"]);
      await until(() => session.heldObjects === 2);
      peer.stream.end();
    },
  },
  "a node that leaves in order": {
    play: async (begun) => {
      await named(begun);
      begun.peer.reply(["one"]);
      begun.peer.answerMetrics([["a", { kind: "counter", value: 1n }]]);
      begun.peer.stream.end();
    },
  },
  "a node that leaves in the middle of a reply and of both answers": {
    play: async (begun) => {
      await named(begun);
      const { stream } = begun.peer;
      const part = (miniProtocol: 1 | 2 | 3, message: Uint8Array) =>
        stream.write(encodeSegments("opener", miniProtocol, message.subarray(0, -1), 0));
      part(miniProtocols.traceObjects, replyOf(["x".repeat(50_000)]));
      part(
        miniProtocols.metrics,
        encodeMetricsResponse([["a", { kind: "label", value: "x".repeat(9_000) }]]),
      );
      part(miniProtocols.dataPoints, encodeDataPointsReply([["A", Buffer.alloc(9_000)]]));
      stream.end();
    },
  },
  "a node that breaks the protocol": {
    code: "malformed",
    play: async (begun) => {
      await named(begun);
      begun.peer.reply(["one"]);
      begun.peer.send(miniProtocols.traceObjects, Uint8Array.of(0x05));
      begun.peer.stream.end();
    },
  },
  "a node with too many names": {
    code: "too-many-names",
    play: async ({ peer, host, session }) => {
      host.refusal = { refused: { code: "too-many-names", address: "unix" } };
      await peer.shakeHands();
      peer.reply(["one"]);
      await until(() => session.heldObjects === 1);
      await peer.tellName("relay");
      peer.stream.end();
    },
  },
  "a node whose connection fails": {
    code: "connection-failed",
    play: async (begun) => {
      await named(begun);
      begun.peer.connection.stream.destroy(new Error("reset"));
    },
  },
  "a node that is closed": {
    code: "closed-by-us",
    play: async (begun) => {
      await named(begun);
      begun.peer.reply(["one"]);
      await begun.session.close("for a test");
    },
  },
  "a stop": {
    play: async (begun) => {
      await named(begun);
      begun.peer.reply(["one"]);
      void begun.session.stop(10_000);
      begun.peer.stream.end();
    },
  },
};

describe("after a thousand sessions everything is back at its initial state", () => {
  const kinds = Object.entries(ends);
  const each = Math.ceil(1_000 / kinds.length);

  test.each(kinds)("%s", async (_, { code, play }) => {
    const host = new TestHost();
    const before = { budget: host.budget.reading, share: host.budget.perNodeBytes };
    for (let n = 0; n < each; n += 1) {
      const begun = begin({ host, peer: new ScriptedPeer() });
      await play(begun);
      await begun.session.done;
      // A session that has ended requests nothing and accepts nothing.
      expect(begun.session.heldObjects).toBe(0);
    }
    await until(() => host.budget.reading.heldBytes === 0);
    expect({ budget: host.budget.reading, share: host.budget.perNodeBytes }).toEqual(before);
    expect(host.answers.bytes).toBe(0);
    expect(host.turns.there.size).toBe(0);
    expect([...host.directory.connected()]).toEqual([]);
    expect(host.ends.map(({ fault }) => fault?.fault.code)).toEqual(new Array(each).fill(code));
  });
});
