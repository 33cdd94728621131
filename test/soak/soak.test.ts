import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { type Daemon, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { verified } from "../end-to-end/verified.js";

/** `npm run soak -- --minutes N`; a few seconds in CI, to check that it works. */
const minutes = Number(process.env.MUNINN_SOAK_MINUTES ?? 0.15);
const beatMs = 500;
/** The allowance for a warm process over a cold one, which has not filled its caches or compiled its code yet. */
const warmthKiB = 192 * 1_024;

test(`after ${minutes} minutes of rotation, reloads, scrapes and bad peers everything is as it was at the start`, {
  timeout: minutes * 60_000 + 240_000,
}, async () => {
  await using place = await Workplace.open();
  const daemon = await place.start({
    hasPrometheus: { epHost: "127.0.0.1", epPort: 0 },
    rotation: { rpFrequencySecs: 1, rpLogLimitBytes: 2_000_000, rpKeepFilesNum: 1_000_000 },
    muninn: { handshakeTimeout: "500ms", registry: { maxOpenFiles: 8, idleTimeout: "1s" } },
  });
  const { served } = (await daemon.logged("started")) as unknown as { served: { prometheus: string } };
  const at = (path: string) => textAt(`http://${served.prometheus}${path}`);
  await at("/metrics/self");
  const handlesBefore = handlesOf(daemon).length;
  const memoryBefore = memoryKiB(daemon);

  const names = Array.from({ length: 12 }, (_, index) => `node-${index}`);
  const nodes = await Promise.all(
    names.map((name) => nodeAt(place.socket, { name, rate: 500, size: 300, metrics: 50 })),
  );
  const until = performance.now() + minutes * 60_000;
  for (let beat = 0; performance.now() < until; beat += 1) {
    visitBadly(place.socket, beat);
    if (beat % 4 === 0) daemon.signal("SIGHUP");
    await Promise.all([at("/metrics"), at("/metrics/self"), at("/node-3"), at("/healthz")]);
    await passThrough(place.socket, beat);
    await pause(beatMs);
  }
  await Promise.all(nodes.map((node) => node.stop()));
  await eventually(async () => expect(await at("/")).not.toContain("node-"));

  // Log files are closed for idleness.
  await eventually(() => expect(handlesOf(daemon).length).toBeLessThanOrEqual(handlesBefore), {
    withinMs: 60_000,
  });
  expect(memoryKiB(daemon)).toBeLessThan(memoryBefore + warmthKiB);
  const own = await at("/metrics/self");
  expect(sumOf(own, "muninn_objects_received_total")).toBe(sumOf(own, "muninn_objects_written_total"));
  expect(sumOf(own, "muninn_objects_dropped_total")).toBe(0);
  expect(sumOf(own, "muninn_flight_bytes")).toBe(0);
  expect(sumOf(own, "muninn_connections")).toBe(0);
  expect(await daemon.stop()).toBe(0);

  const verdicts = await verified(place, new Map(nodes.map((node, index) => [names[index]!, node])));
  for (const name of names) {
    const { sent, lost, doubled, disordered, torn, foreign } = verdicts.get(name)!;
    expect(sent).toBeGreaterThan(0);
    expect({ name, lost, doubled, disordered, torn, foreign }).toEqual({
      name,
      lost: 0,
      doubled: 0,
      disordered: 0,
      torn: 0,
      foreign: 0,
    });
  }
});

/** A peer that sends invalid bytes, or nothing; the tracer ends the connection. */
function visitBadly(socketPath: string, beat: number): void {
  const socket = connect(socketPath);
  socket.on("error", () => {}).resume();
  if (beat % 2 === 0) socket.write(Buffer.from([beat, 0xff, 0, 0, 0, 0, 0, 0, beat]));
}

/** A node that connects, disconnects in the middle of a message, reconnects, and leaves for good. */
async function passThrough(socketPath: string, beat: number): Promise<void> {
  const node = await nodeAt(socketPath, {
    name: `guest-${beat % 5}`,
    count: 200,
    quirks: { cutAfterBytes: [20_000 + beat] },
  });
  await node.finished;
  await node.stop();
}

/** Over a separate connection, which is closed afterwards. */
async function textAt(url: string): Promise<string> {
  const request = get(url, { agent: false });
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  return text(answer);
}

function handlesOf(daemon: Daemon): string[] {
  return readdirSync(`/proc/${daemon.pid}/fd`);
}

function memoryKiB(daemon: Daemon): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "latin1"))![1]);
}

/** The sum of all series of a family. */
function sumOf(exposition: string, family: string): number {
  const lines = exposition
    .split("\n")
    .filter((line) => line.startsWith(`${family} `) || line.startsWith(`${family}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
