import { expect, test } from "vitest";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

test("a process that may open 128 files serves 200 nodes: all their lines arrive", async () => {
  await using place = await Workplace.open();
  const under = ["bash", "-c", 'ulimit -n 128 && exec "$0" "$@"'];
  const daemon = await place.start({}, { under });
  const names = Array.from({ length: 200 }, (_, index) => `node-${index}`);
  const nodes = await Promise.all(names.map((name) => nodeAt(place.socket, { name, count: 300 })));
  await Promise.all(
    nodes.map(async (node) => {
      await node.finished;
      await node.stop();
    }),
  );
  expect(await daemon.stop()).toBe(0);
  for (const name of names) expectAllInOrder(await place.linesOf(name), 300);
});
