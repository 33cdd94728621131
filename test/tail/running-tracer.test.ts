import { expect, test } from "vitest";
import { daemonAddress } from "../../src/tail/daemon-address.js";
import { tailDaemon } from "../../src/tail/tail-daemon.js";
import type { TracedLine } from "../../src/tail/traced-line.js";
import { eventually } from "../../src/testing/eventually.js";
import { askDaemon } from "../../src/top/ask-daemon.js";
import { addressOf, nodeWith, tracerWithPage } from "../ui/pages.js";

test("lines that a tracer receives are shown live, filtered there, and top sees the node at the same address", async () => {
  await using tracer = await tracerWithPage();
  const address = daemonAddress(addressOf(tracer), undefined);
  await using _ = { [Symbol.asyncDispose]: (await nodeWith(tracer, "relay-1", 1)).stop };
  await eventually(async () => {
    const { nodes, sinks } = await askDaemon(address);
    expect(nodes).toMatchObject([{ name: "relay-1", isConnected: true, total: 1 }]);
    expect([...sinks.values()]).toMatchObject([{ received: 1, written: 1, dropped: 0 }]);
  });

  const remark = (sentence: string) => expect.fail(sentence);
  const seen: TracedLine[] = [];
  const watching = (async () => {
    for await (const { lines } of tailDaemon({ address, nodes: [], filter: {}, grep: "relay-2", remark })) {
      seen.push(...lines);
      if (seen.length >= 20) return;
    }
  })();
  // A viewer sees only objects that arrive after it connected: nodes send until it has seen enough.
  const nodes: { stop: () => Promise<void> }[] = [];
  let isOver = false;
  void watching.finally(() => {
    isOver = true;
  });
  for (let number = 0; !isOver && number < 50; number += 1) {
    const other = await nodeWith(tracer, `relay-2-${number}`, 5);
    nodes.push(other);
    await eventually(async () => expect((await askDaemon(address)).nodes.length).toBe(number + 2));
  }
  await watching;
  expect(new Set(seen.map(({ node }) => node.slice(0, 8)))).toEqual(new Set(["relay-2-"]));
  expect(seen.every(({ at, namespace, text }) => at > 0n && namespace !== "" && text.startsWith("{"))).toBe(
    true,
  );
  await Promise.all(nodes.map((node) => node.stop()));
}, 60_000);

test("an unknown node and an unusable expression are each refused with one sentence", async () => {
  await using tracer = await tracerWithPage();
  const address = daemonAddress(addressOf(tracer), undefined);
  const told = (given: { nodes: string[]; grep?: string }) =>
    tailDaemon({ address, filter: {}, remark: () => {}, ...given }).next();
  await expect(told({ nodes: ["relay-9"] })).rejects.toMatchObject({ code: "unknown-node" });
  await expect(told({ nodes: [], grep: "(?=a)" })).rejects.toMatchObject({
    code: "no-daemon",
    message: expect.stringMatching(/cannot do what was asked: not a regular expression/),
  });
});
