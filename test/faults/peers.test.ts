import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { encodeTraceReply } from "../../src/protocol/trace-messages.js";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedObjects } from "../../src/testing/numbered-objects.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

const magic = 764_824_073;
const proposal = encodeSegments("opener", miniProtocols.handshake, encodeProposal(magic), 0);

/** The first bytes of a bad peer; it keeps the connection open as long as the tracer does. */
const badPeers: [string, Uint8Array][] = [
  ["garbage", Buffer.from("GET / HTTP/1.1\r\nHost: tracer\r\n\r\n")],
  ["random bytes", Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7_919) & 0xff))],
  ["a wrong magic", encodeSegments("opener", miniProtocols.handshake, encodeProposal(2), 0)],
  ["half a handshake", proposal.subarray(0, 11)],
  ["nothing", new Uint8Array()],
  ["a wrong direction", encodeSegments("listener", miniProtocols.handshake, encodeProposal(magic), 0)],
  [
    "a handshake and then garbage",
    Buffer.concat([
      proposal,
      encodeSegments("opener", miniProtocols.traceObjects, Buffer.alloc(64, 0xff), 0),
    ]),
  ],
  [
    "a text of 2^60 bytes",
    Buffer.concat([
      proposal,
      encodeSegments(
        "opener",
        miniProtocols.traceObjects,
        Buffer.from("82039f8900807b1000000000000000", "hex"),
        0,
      ),
    ]),
  ],
];

test("bad peers of every kind lose only their own connection and disturb no healthy node", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ muninn: { handshakeTimeout: "500ms" } });
  await using node = await nodeAt(place.socket, { name: "healthy", count: 4_000, rate: 2_000 });
  await Promise.all(
    badPeers.map(async ([, bytes]) => {
      const socket = connect(place.socket);
      socket.on("error", () => {});
      socket.resume();
      socket.write(bytes);
      await once(socket, "close");
    }),
  );
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("healthy"), 4_000);
  // One line for each reason; a peer that sent no byte is not at fault.
  const reasons = daemon.log.filter(({ event }) => event === "connection_failed").map(({ reason }) => reason);
  expect([...reasons].sort()).toEqual([
    "handshake-timeout",
    "malformed",
    "mini-protocol-unknown",
    "refused-by-us",
    "segment-wrong-direction",
    "too-long",
  ]);
});

test.each([
  ["../../etc", "etc"],
  [".", "unix-1"],
  ["..", "unix-1"],
  ["", "unix-1"],
  ["🦆", "unix-1"],
  ["a/b/c", "c"],
  ["é".repeat(300), undefined],
  ["line\nfeed", "line_feed"],
])("a node that calls itself %j writes to one directory below logRoot", async (name, directory) => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await using node = await nodeAt(place.socket, { name, count: 250 });
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  const directories = (await readdir(place.logRoot)).filter((entry) => !entry.startsWith(".muninn"));
  expect(directories).toHaveLength(1);
  if (directory !== undefined) expect(directories).toEqual([directory]);
  expectAllInOrder(await place.linesOf(directories[0]!), 250);
  expect((await readdir(place.directory)).sort()).toEqual(["config-0.json", "logs"]);
});

test("two nodes with the same name do not mix their lines", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  await using first = await nodeAt(place.socket, { name: "twin", count: 1_000 });
  await daemon.logged("node_connected");
  await using second = await nodeAt(place.socket, { name: "twin", count: 1_000 });
  // Until it has a name its objects are held, and it may have left before that.
  await daemon.logged("node_connected", ({ node }) => node === "twin_unix-2");
  await Promise.all([first.finished, second.finished]);
  await Promise.all([first.stop(), second.stop()]);
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("twin"), 1_000);
  expectAllInOrder(await place.linesOf("twin_unix-2"), 1_000);
});

test("handshakes that trickle in byte by byte end at their deadline and disturb no healthy node", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ muninn: { handshakeTimeout: "500ms" } });
  await using node = await nodeAt(place.socket, { name: "healthy", count: 4_000, rate: 2_000 });
  // Every byte of it is right, and at this pace it takes minutes.
  const endless = Buffer.alloc(5_000);
  endless.set(Buffer.from("82005913", "hex"));
  const bytes = encodeSegments("opener", miniProtocols.handshake, endless, 0);
  const sent = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = connect(place.socket);
      socket.on("error", () => {}).resume();
      let at = 0;
      const drip = setInterval(() => {
        socket.write(bytes.subarray(at, at + 1));
        at += 1;
      }, 50);
      await once(socket, "close");
      clearInterval(drip);
      return at;
    }),
  );
  for (const count of sent) expect(count).toBeLessThan(bytes.length);
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("healthy"), 4_000);
  const reasons = daemon.log.filter(({ event }) => event === "connection_failed").map(({ reason }) => reason);
  expect(reasons).toEqual(["handshake-timeout"]);
});

test("everything a peer that never reads has sent is written, and it delays neither a healthy node nor the stop", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ muninn: { nameTimeout: "200ms" } });
  const socket = connect(place.socket);
  socket.on("error", () => {});
  socket.pause();
  socket.write(proposal);
  const objects = new NumberedObjects({ host: "deaf" });
  for (let number = 0; number < 2_000; number += 1) {
    const reply = encodeTraceReply(objects.make(number, 1));
    socket.write(encodeSegments("opener", miniProtocols.traceObjects, reply, 0));
  }
  await daemon.logged("node_connected");
  await using node = await nodeAt(place.socket, { name: "healthy", count: 4_000, rate: 2_000 });
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  socket.destroy();
  expectAllInOrder(await place.linesOf("healthy"), 4_000);
  expectAllInOrder(await place.linesOf("unix-1"), 2_000);
});

test("three thousand simultaneous connections are accepted or refused while another node is served", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({ muninn: { maxConnections: 300, handshakeTimeout: "1s" } });
  await using node = await nodeAt(place.socket, { name: "healthy", count: 2_000, rate: 1_000 });
  await daemon.logged("node_connected");
  const sockets = Array.from({ length: 3_000 }, () => connect(place.socket));
  for (const socket of sockets) socket.on("error", () => {}).resume();
  await node.finished;
  await eventually(() => expect(sockets.every((socket) => socket.closed)).toBe(true));
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("healthy"), 2_000);
});
