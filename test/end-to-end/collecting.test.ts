import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { formatAddress } from "../../src/transport/address.js";
import { expectedObjects, readVector } from "../protocol/vectors.js";
import { expectAllInOrder } from "./arrival.js";
import { freePort, Workplace } from "./daemon.js";
import { countingNode, nodeAt } from "./nodes.js";

/** The address where nodes and tracer meet, and its form in the configuration. */
const transports = [
  ["a unix socket", undefined],
  ["TCP over IPv4", "127.0.0.1"],
  ["TCP over IPv6", "::1"],
] as const;

describe.each(transports)("several nodes over %s", (_, host) => {
  test("connect to the tracer, and every line arrives in order", async () => {
    await using place = await Workplace.open();
    const address =
      host === undefined
        ? ({ kind: "unix", path: place.socket } as const)
        : ({ kind: "tcp", host, port: await freePort(host) } as const);
    const daemon = await place.start({ network: { tag: "AcceptAt", contents: formatAddress(address) } });
    const nodes = await Promise.all(
      ["a", "b", "c"].map((name) => countingNode({ mode: "connect", address }, { name, count: 2_000 })),
    );
    await Promise.all(nodes.map((node) => node.finished));
    await Promise.all(nodes.map((node) => node.stop()));
    expect(await daemon.stop()).toBe(0);
    for (const name of ["a", "b", "c"]) expectAllInOrder(await place.linesOf(name), 2_000);
  });

  test("accept the tracer's connection, and every line arrives in order", async () => {
    await using place = await Workplace.open();
    const nodes = await Promise.all(
      ["a", "b", "c"].map((name) => {
        const address =
          host === undefined
            ? ({ kind: "unix", path: place.path(`${name}.sock`) } as const)
            : ({ kind: "tcp", host, port: 0 } as const);
        return countingNode({ mode: "listen", address }, { name, count: 2_000 });
      }),
    );
    const contents = nodes.map(({ address }) => formatAddress(address!));
    const daemon = await place.start({ network: { tag: "ConnectTo", contents } });
    await Promise.all(nodes.map((node) => node.finished));
    await Promise.all(nodes.map((node) => node.stop()));
    expect(await daemon.stop()).toBe(0);
    for (const name of ["a", "b", "c"]) expectAllInOrder(await place.linesOf(name), 2_000);
  });
});

describe("a recorded stream of a real node", () => {
  const lines = expectedObjects("accept-250").map(({ machine }) => machine.replaceAll("\n", " "));
  const humans = expectedObjects("accept-250").map(({ human, machine }) => human ?? machine);

  test.each([
    ["in one write, by a peer that leaves at once", Number.POSITIVE_INFINITY],
    ["cut at every 1,000 bytes", 1_000],
  ])("lands byte for byte in both formats if it is sent %s", async (_, cut) => {
    await using place = await Workplace.open();
    const logRoot = place.logRoot;
    const daemon = await place.start({
      logging: [
        { logRoot, logMode: "FileMode", logFormat: "ForMachine" },
        { logRoot, logMode: "FileMode", logFormat: "ForHuman" },
      ],
      muninn: { humanLayout: "text" },
    });
    const { bytes } = readVector("accept-250", "forwarder");
    const socket = connect(place.socket);
    // The peer ignores what it receives: it has left by then.
    socket.on("error", () => {});
    for (let at = 0; at < bytes.length; at += Math.min(cut, bytes.length)) {
      socket.write(bytes.subarray(at, at + Math.min(cut, bytes.length)));
    }
    socket.end();
    await daemon.logged("node_disconnected");
    expect(await daemon.stop()).toBe(0);
    expect(await place.linesOf("node-1")).toEqual(lines);
    const expected = humans.map((text) => `${text.replaceAll("\n", "\n  ")}\n`).join("");
    expect(await place.textOf("node-1", { extension: "log" })).toBe(expected);
  });
});

describe("a node's stream", () => {
  test("arrives unchanged in segments of one byte", async () => {
    await using place = await Workplace.open();
    const daemon = await place.start();
    await using node = await nodeAt(place.socket, { name: "bytewise", count: 300, maxSegmentBytes: 1 });
    await node.finished;
    await node.stop();
    expect(await daemon.stop()).toBe(0);
    expectAllInOrder(await place.linesOf("bytewise"), 300);
  });

  test("arrives whole, in little memory, in replies of thousands of objects of 3 kB", async () => {
    await using place = await Workplace.open();
    const daemon = await place.start({ loRequestNum: 5_000 });
    await using node = await nodeAt(place.socket, { name: "big", count: 20_000, size: 3_000 });
    await node.finished;
    await node.stop();
    expect(await daemon.stop()).toBe(0);
    expectAllInOrder(await place.linesOf("big"), 20_000);
  });

  test("has objects beyond those asked for written like the others", async () => {
    await using place = await Workplace.open();
    const daemon = await place.start();
    await using node = await nodeAt(place.socket, {
      name: "eager",
      count: 1_000,
      quirks: { extraObjects: 7 },
    });
    await node.finished;
    await node.stop();
    expect(await daemon.stop()).toBe(0);
    expectAllInOrder(await place.linesOf("eager"), 1_000);
  });
});

test("200 nodes share 16 handles while their files rotate every second", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 20_000, rpKeepFilesNum: 1_000 },
    muninn: { registry: { maxOpenFiles: 16 } },
  });
  const names = Array.from({ length: 200 }, (_, index) => `node-${index}`);
  const nodes = await Promise.all(
    names.map((name) => nodeAt(place.socket, { name, count: 400, rate: 100, metrics: 1 })),
  );
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  expect(await daemon.stop()).toBe(0);
  for (const name of names) expectAllInOrder(await place.linesOf(name), 400);
});

test("a stop under load accepts what nodes have sent, and loses none of it", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const names = ["a", "b", "c", "d"];
  const nodes = await Promise.all(names.map((name) => nodeAt(place.socket, { name, size: 300 })));
  await eventually(() => expect(nodes.every((node) => node.report().objectsSent > 5_000)).toBe(true));
  expect(await daemon.stop()).toBe(0);
  await Promise.all(nodes.map((node) => node.stop()));
  for (const [index, name] of names.entries()) {
    expectAllInOrder(await place.linesOf(name), nodes[index]!.report().objectsSent);
  }
});

test("nodes come back to a restarted tracer, and their files continue", async () => {
  await using place = await Workplace.open();
  const first = await place.start();
  await using node = await nodeAt(place.socket, { name: "faithful", rate: 500 });
  await eventually(() => expect(node.report().objectsSent).toBeGreaterThan(100));
  expect(await first.stop()).toBe(0);
  const before = node.report().objectsSent;
  const second = await place.start();
  await eventually(() => expect(node.report().objectsSent).toBeGreaterThan(before + 100));
  expect(await second.stop()).toBe(0);
  await node.stop();
  expectAllInOrder(await place.linesOf("faithful"), node.report().objectsSent);
});
