// The group `Test.Logs` of cardano-tracer's own suite (Cardano.Tracer.Test.Logs.Tests), with its configurations. It looks
// for directories with some file in them; here every line is compared.

import { lstat, readdir, readlink } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import type { SimulatedNode } from "../../src/testing/simulated-node.js";
import { type Address, formatAddress } from "../../src/transport/address.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { type Daemon, freePort, Workplace } from "../end-to-end/daemon.js";
import { countingNode, nodeAt } from "../end-to-end/nodes.js";

describe("Test.Logs", () => {
  test.each([
    ["log", 100, 60, "ForHuman"],
    ["log", 4, 1, "ForHuman"],
    ["json", 100, 60, "ForMachine"],
  ] as const)(
    ".%s: the logs of a node rotate at %i bytes, in its own directory, and hold every line",
    async (extension, rpLogLimitBytes, rpMaxAgeMinutes, logFormat) => {
      await using place = await Workplace.open();
      const daemon = await place.start({
        loRequestNum: 1,
        logging: [{ logRoot: place.logRoot, logMode: "FileMode", logFormat }],
        rotation: { rpFrequencySecs: 3, rpLogLimitBytes, rpMaxAgeMinutes, rpKeepFilesNum: 10 },
      });
      await using node = await nodeAt(place.socket, { name: "rotating", rate: 100, human: true });
      const logs = async () =>
        (await readdir(place.path("logs", "rotating"))).filter((name) => name.startsWith("node-")).sort();
      await eventually(async () => expect((await logs()).length).toBeGreaterThan(3));
      expect(await daemon.stop()).toBe(0);
      await node.stop();

      expect((await readdir(place.logRoot)).filter((name) => !name.startsWith("."))).toEqual(["rotating"]);
      const names = await logs();
      const form = new RegExp(`^node-\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-\\d\\d\\.${extension}$`);
      for (const name of names) expect(name).toMatch(form);
      const link = place.path("logs", "rotating", `node.${extension}`);
      expect((await lstat(link)).isSymbolicLink()).toBe(true);
      expect(await readlink(link)).toBe(names.at(-1));
      const lines = await place.linesOf("rotating", { extension });
      const sent = node.report().objectsSent;
      if (extension === "json") expectAllInOrder(lines, sent);
      else expectHumanInOrder(lines, sent);
    },
  );

  test.each<[string, (place: Workplace, name: string) => Address]>([
    ["multi, initiator socket", (place, name) => ({ kind: "unix", path: place.path(`${name}.sock`) })],
    ["multi, initiator, port", () => ({ kind: "tcp", host: "127.0.0.1", port: 0 })],
  ])("%s: two nodes that the tracer connects to have a directory each, with every line", async (_, at) => {
    await using place = await Workplace.open();
    const nodes = await Promise.all(
      ["first", "second"].map((name) =>
        countingNode({ mode: "listen", address: at(place, name) }, { name, count: 300 }),
      ),
    );
    const contents = nodes.map(({ address }) => formatAddress(address!));
    const daemon = await place.start({ network: { tag: "ConnectTo", contents }, loRequestNum: 1 });
    await expectBoth(place, daemon, nodes);
  });

  test.each<[string, (place: Workplace) => Address | Promise<Address>]>([
    ["multi, responder socket", (place) => ({ kind: "unix", path: place.socket })],
    [
      "multi, responder, port",
      async () => ({ kind: "tcp", host: "127.0.0.1", port: await freePort("127.0.0.1") }),
    ],
  ])("%s: two nodes that connect to the tracer have a directory each, with every line", async (_, at) => {
    await using place = await Workplace.open();
    const address = await at(place);
    const contents = formatAddress(address);
    const daemon = await place.start({ network: { tag: "AcceptAt", contents }, loRequestNum: 1 });
    const nodes = await Promise.all(
      ["first", "second"].map((name) => countingNode({ mode: "connect", address }, { name, count: 300 })),
    );
    await expectBoth(place, daemon, nodes);
  });
});

/** Waits until both nodes have sent everything, and fails unless all of it is there. */
async function expectBoth(place: Workplace, daemon: Daemon, nodes: readonly SimulatedNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  expect(await daemon.stop()).toBe(0);
  const directories = (await readdir(place.logRoot)).filter((name) => !name.startsWith("."));
  expect(directories.sort()).toEqual(["first", "second"]);
  for (const name of directories) expectAllInOrder(await place.linesOf(name), 300);
}

/** Like `expectAllInOrder`, for lines for people: the first of an object ends with the number; others continue the one before. */
function expectHumanInOrder(lines: readonly string[], count: number): void {
  const numbers = lines.flatMap((line) => / \((\d+)\)$/.exec(line)?.[1] ?? []).map(Number);
  expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index));
}
