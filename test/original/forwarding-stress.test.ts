// The forwarding stress test of cardano-tracer's own suite (Cardano.Tracer.Test.ForwardingStressTest.Script): a tracer as a
// separate program, and forwarders that send everything as fast as it accepts it. The original looks for one line of each
// message; here every line of each node is compared, in order, in two sections, while the files rotate.

import { describe, expect, test } from "vitest";
import { formatAddress } from "../../src/transport/address.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { countingNode } from "../end-to-end/nodes.js";

const objects = 1_000;

describe("Forwarder stress test", () => {
  test.each([
    [1, "connect"],
    [10, "listen"],
    [100, "connect"],
    [100, "listen"],
  ] as const)("every line arrives from %i nodes that %s, each as fast as it can", async (count, mode) => {
    await using place = await Workplace.open();
    const names = Array.from({ length: count }, (_, index) => `stress-${index}`);
    const addressOf = (name: string) =>
      ({ kind: "unix", path: mode === "connect" ? place.socket : place.path(`${name}.sock`) }) as const;
    const startNodes = () =>
      Promise.all(
        names.map((name) => countingNode({ mode, address: addressOf(name) }, { name, count: objects })),
      );
    const other = place.path("other");
    const config = {
      network:
        mode === "connect"
          ? { tag: "AcceptAt", contents: place.socket }
          : { tag: "ConnectTo", contents: names.map((name) => formatAddress(addressOf(name))) },
      logging: [place.logRoot, other].map((logRoot) => ({
        logRoot,
        logMode: "FileMode",
        logFormat: "ForMachine",
      })),
      rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 100_000, rpMaxAgeHours: 1, rpKeepFilesNum: 1_000 },
    };
    const listening = mode === "listen" ? await startNodes() : undefined;
    const daemon = await place.start(config);
    const nodes = listening ?? (await startNodes());
    await Promise.all(nodes.map((node) => node.finished));
    await Promise.all(nodes.map((node) => node.stop()));
    expect(await daemon.stop()).toBe(0);
    for (const name of names) {
      expectAllInOrder(await place.linesOf(name), objects);
      expectAllInOrder(await place.linesOf(name, { logRoot: other }), objects);
    }
  });
});
