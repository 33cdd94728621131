import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

/** As long as a virtual machine is often frozen for a migration; shorter than the silence that ends a connection. */
const suspendedMs = 10_000;

test("ten seconds of SIGSTOP under load lose nothing, and no node has to reconnect", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const names = ["one", "two", "three"];
  const nodes = await Promise.all(
    names.map((name) => nodeAt(place.socket, { name, count: 8_000, rate: 500 })),
  );
  for (const name of names) await daemon.logged("node_connected", ({ node }) => node === name);
  daemon.signal("SIGSTOP");
  await delay(suspendedMs);
  daemon.signal("SIGCONT");
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  for (const node of nodes) expect(node.report()).toMatchObject({ connections: 1, objectsSent: 8_000 });
  expect(await daemon.stop()).toBe(0);
  for (const name of names) expectAllInOrder(await place.linesOf(name), 8_000);
});
