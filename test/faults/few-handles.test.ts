import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedObjects } from "../../src/testing/numbered-objects.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { pages, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

/** Files and sockets that the tracer may have open, including its own: fewer than there are nodes. */
const handles = 128;

test(`200 nodes at a tracer with ${handles} handles: those refused reconnect, and every line arrives`, async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({}, { under: ["bash", "-c", `ulimit -n ${handles}; exec "$0" "$@"`] });
  const names = Array.from({ length: 200 }, (_, index) => `node-${index}`);
  const nodes = await Promise.all(names.map((name) => nodeAt(place.socket, { name, count: 500 })));
  // A node that has sent everything leaves, and makes room for the next.
  await Promise.all(
    nodes.map(async (node) => {
      await node.finished;
      await node.stop();
    }),
  );
  await daemon.logged("connections_limited");
  expect(await daemon.stop()).toBe(0);
  for (const name of names) expectAllInOrder(await place.linesOf(name), 500);
});

test(`a tracer with ${handles} handles answers health, however many nodes and clients connect`, async () => {
  await using place = await Workplace.open();
  const daemon = await place.start(pages, {
    under: ["bash", "-c", `ulimit -n ${handles}; exec "$0" "$@"`],
  });
  const { served } = await daemon.logged("started");
  const [host, port] = (served as Record<string, string>).prometheus!.split(":");
  const sockets = Array.from({ length: 200 }, () => [
    connect(place.socket),
    connect(Number(port), host),
  ]).flat();
  for (const socket of sockets) socket.on("error", () => undefined);
  // As many as may stay do so; those refused have noticed.
  await eventually(() => expect(sockets.filter(({ destroyed }) => destroyed).length).toBeGreaterThan(200));
  for (let i = 0; i < 20; i += 1) {
    const { status } = await fetch(`http://${host}:${port}/healthz`, { headers: { connection: "close" } });
    expect(status).toBe(200);
  }
  for (const socket of sockets) socket.destroy();
  expect(await daemon.stop()).toBe(0);
});

/** Sets how many files a process may have open. */
function limitOpenFiles(pid: number, limit: number): void {
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${limit}:`]);
}

/** The descriptor of the next file that the process opens. */
function lowestFreeHandle(pid: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (open.has(free)) free += 1;
  return free;
}

test("lines that nodes send while the process has no free handle are written when it has one again", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const names = ["a", "b", "c", "d"];
  const sources = names.map((name) => new ScriptedSource({ name }));
  const network = { mode: "connect", address: { kind: "unix", path: place.socket } } as const;
  const nodes = await Promise.all(sources.map((source) => simulatedNode({ source, network })));
  for (const name of names) await daemon.logged("node_connected", ({ node }) => node === name);
  // The lowest of several readings: the process may just then have something open for a moment.
  const looks = Array.from({ length: 5 }, () => lowestFreeHandle(daemon.pid));
  limitOpenFiles(daemon.pid, Math.min(...looks));
  for (const [index, source] of sources.entries()) {
    source.send(...new NumberedObjects({ host: names[index]! }).make(0, 1_000));
    source.end();
  }
  for (const name of names) {
    const { code } = await daemon.logged("write_failed", ({ directory }) => directory === name);
    expect(code).toBe("EMFILE");
  }
  limitOpenFiles(daemon.pid, 1_024);
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  expect(await daemon.stop()).toBe(0);
  for (const name of names) expectAllInOrder(await place.linesOf(name), 1_000);
});
