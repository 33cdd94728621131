// The groups `Test.Restart` and `Test.Network` of cardano-tracer's own suite (Cardano.Tracer.Test.Restart.Tests and the
// older .Network.Tests). Those check that some directory exists again after a restart; here every line is compared.

import { rename } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { formatAddress } from "../../src/transport/address.js";
import { expectAllInOrder, numbersIn } from "../end-to-end/arrival.js";
import { type LogLine, Workplace } from "../end-to-end/daemon.js";
import { countingNode } from "../end-to-end/nodes.js";

/** Objects requested and not yet safe when a tracer is killed: requests ahead, of one object each. */
const mostInFlight = 200;

/** Who opens the connection, and what a configuration says about it. */
const modes = [
  ["connects to the tracer", "connect", "AcceptAt"],
  ["is connected to by the tracer", "listen", "ConnectTo"],
] as const;

function networkOf(place: Workplace, tag: "AcceptAt" | "ConnectTo") {
  const address = { kind: "unix", path: place.socket } as const;
  const contents = tag === "AcceptAt" ? formatAddress(address) : [formatAddress(address)];
  return { address, config: { loRequestNum: 1, network: { tag, contents } } };
}

/** Whether a line reports that a node has left, however its connection ended. */
function isEnd({ event }: LogLine): boolean {
  return event === "node_disconnected" || event === "connection_failed" || event === "connection_cut";
}

describe.each(modes)("Test.Restart and Test.Network, with a node that %s", (_, mode, tag) => {
  test("restart forwarder: a killed node comes back, and its directory with it", async () => {
    await using place = await Workplace.open();
    const { address, config } = networkOf(place, tag);
    const daemon = await place.start(config);
    const first = await countingNode({ mode, address }, { name: "restarted", count: 300 });
    await eventually(async () => expect(await place.linesOf("restarted")).toHaveLength(300));
    first.disconnect();
    await first.stop();
    // Until then it would be a second node of that name.
    await eventually(() => expect(daemon.log.some(isEnd)).toBe(true));
    await rename(place.path("logs", "restarted"), place.path("before"));
    await using second = await countingNode({ mode, address }, { name: "restarted", count: 300 });
    await second.finished;
    await second.stop();
    expect(await daemon.stop()).toBe(0);
    expectAllInOrder(await place.linesOf("before", { logRoot: place.directory }), 300);
    expectAllInOrder(await place.linesOf("restarted"), 300);
  });

  test("restart acceptor: a restarted tracer finds its node again, and creates its directory again", async () => {
    await using place = await Workplace.open();
    const { address, config } = networkOf(place, tag);
    const killed = await place.start(config);
    await using node = await countingNode({ mode, address }, { name: "faithful", rate: 500 });
    await eventually(async () => expect(await place.linesOf("faithful")).not.toHaveLength(0));
    await killed.kill();
    await rename(place.path("logs", "faithful"), place.path("before"));
    const before = node.report().connections;
    const daemon = await place.start(config);
    await eventually(async () => expect(await place.linesOf("faithful")).not.toHaveLength(0));
    expect(await daemon.stop()).toBe(0);
    await node.stop();
    expect(node.report().connections).toBe(before + 1);
    const numbers = numbersIn([
      ...(await place.linesOf("before", { logRoot: place.directory })),
      ...(await place.linesOf("faithful")),
    ]);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(node.report().objectsSent - numbers.length).toBeLessThanOrEqual(mostInFlight);
  });
});
