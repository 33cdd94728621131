// The group `Test.Queue` of cardano-tracer's own suite (Cardano.Tracer.Test.Queue.Tests): a node whose tracer is absent
// keeps its objects in a queue of fixed size, and when that is full, drops all of it. The original counts the
// dropped objects; here a tracer that finally connects gets all the others.

import { describe, expect, test } from "vitest";
import type { ForwarderClock } from "../../src/forwarder/clock.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { numbersIn } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";

const queue = 100;

/** A clock that stands still until it is set. */
class StoppedClock implements ForwarderClock {
  milliseconds = 0;
  now = () => this.milliseconds;
  sleep = async () => {};
}

describe("Test.Queue", () => {
  test.each([
    [100, 0],
    [101, 100],
    [250, 200],
    [1_000, 900],
  ])(
    "check queue: of %i objects sent before a tracer connects %i are dropped, and the others arrive",
    async (made, lost) => {
      await using place = await Workplace.open();
      const clock = new StoppedClock();
      const source = new NumberedSource({ name: "queueing", count: made, rate: 1_000, queue, clock });
      const network = { mode: "listen", address: { kind: "unix", path: place.socket } } as const;
      await using node = await simulatedNode({ source, network });
      clock.milliseconds = made;
      expect(source.thrownAway).toBe(lost);
      const daemon = await place.start({
        loRequestNum: 1,
        network: { tag: "ConnectTo", contents: [place.socket] },
      });
      await node.finished;
      await node.stop();
      expect(await daemon.stop()).toBe(0);
      const kept = Array.from({ length: made - lost }, (_, index) => lost + index);
      expect(numbersIn(await place.linesOf("queueing"))).toEqual(kept);
      expect(source.thrownAway).toBe(lost);
    },
  );
});
