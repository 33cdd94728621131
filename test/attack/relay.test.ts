import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { program, Workplace } from "../end-to-end/daemon.js";
import { seconds } from "./kinds/metrics.js";

/** A relay between nodes and a tracer that reads nothing. */
async function startRelay() {
  const place = await Workplace.open();
  const far = new Set<Socket>();
  const tracer = createServer((socket) => {
    far.add(socket.on("error", () => {}).pause());
  }).listen(place.path("far.sock"));
  await once(tracer, "listening");
  const flags = ["relay", "--listen", place.path("near.sock"), "--to", `unix:${place.path("far.sock")}`];
  const relay = spawn(process.execPath, [program, ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  createInterface({ input: relay.stderr! }).on("line", (line) => said.push(line));
  onTestFinished(async () => {
    relay.kill("SIGKILL");
    for (const socket of far) socket.destroy();
    tracer.close();
    await place[Symbol.asyncDispose]();
  });
  await expect.poll(() => said.length, { timeout: 10_000 }).toBeGreaterThan(0);
  const peakMiB = () =>
    Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${relay.pid}/status`, "latin1"))?.[1]) / 1_024;
  return { near: place.path("near.sock"), far, peakMiB, said };
}

async function nodesAt(path: string, count: number): Promise<Socket[]> {
  const nodes = Array.from({ length: count }, () => connect(path).on("error", () => {}));
  await Promise.all(nodes.map((node) => once(node, "connect")));
  onTestFinished(() => {
    for (const node of nodes) node.destroy();
  });
  return nodes;
}

const many = 200;

test("nodes that send a little at a time to a tracer that reads nothing take little memory of the relay", {
  timeout: 120_000,
}, async () => {
  const { near, far, peakMiB } = await startRelay();
  const nodes = await nodesAt(near, many);
  await expect.poll(() => far.size, { timeout: 20_000 }).toBe(many);
  const before = peakMiB();
  for (let piece = 0; piece < 600; piece += 1) {
    for (const node of nodes) node.write(Buffer.alloc(100));
    await seconds(0.01);
  }
  await seconds(1);
  console.log(
    `the relay took ${(peakMiB() - before).toFixed(0)} MiB for ${many} nodes, ${before.toFixed(0)} before`,
  );
  expect((peakMiB() - before) / many).toBeLessThan(0.3);
});

const crowd = 1_000;
/** Memory for bytes in transit of all nodes together, as docs/links.md says, and for the sockets of a thousand connections. */
const mostMiB = 16 + 24;

test("a thousand nodes that send as much as they can to a tracer that reads nothing take a bounded amount of memory of the relay", {
  timeout: 120_000,
}, async () => {
  const { near, far, peakMiB } = await startRelay();
  const nodes = await nodesAt(near, crowd);
  await expect.poll(() => far.size, { timeout: 60_000 }).toBe(crowd);
  const before = peakMiB();
  for (let piece = 0; piece < 20; piece += 1) {
    for (const node of nodes) if (node.writableLength < 65_536) node.write(Buffer.alloc(65_536));
    await seconds(0.1);
  }
  await seconds(2);
  console.log(
    `the relay took ${(peakMiB() - before).toFixed(0)} MiB for ${crowd} nodes, ${before.toFixed(0)} before`,
  );
  expect(peakMiB() - before).toBeLessThan(mostMiB);
});

test("what hundreds of nodes had sent arrives whole when the tracer reads again", {
  timeout: 120_000,
}, async () => {
  const { near, far } = await startRelay();
  const nodes = await nodesAt(near, 300);
  await expect.poll(() => far.size, { timeout: 60_000 }).toBe(300);
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
  for (const node of nodes) node.end(sent);
  await seconds(1);
  let whole = 0;
  for (const socket of far) {
    const pieces: Buffer[] = [];
    socket.on("data", (piece) => pieces.push(piece));
    socket.once("end", () => {
      if (Buffer.concat(pieces).equals(sent)) whole += 1;
    });
    socket.resume();
  }
  await expect.poll(() => whole, { timeout: 60_000 }).toBe(300);
});
