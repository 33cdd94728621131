import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ForwarderSource } from "../../src/forwarder/source.js";
import { type RunningForwarder, startForwarder } from "../../src/forwarder/start-forwarder.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeTraceDone } from "../../src/protocol/trace-messages.js";
import { ScriptedSource } from "../../src/testing/scripted-source.js";
import { magic, TracerEnd } from "./tracer-end.js";

let directory: string;
let forwarder: RunningForwarder;
let tracers: TracerEnd[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-forwarder-"));
  tracers = [];
});
afterEach(async () => {
  for (const { stream } of tracers) stream.destroy();
  await forwarder.stop();
  await rm(directory, { recursive: true });
});

async function listen(source: ForwarderSource | (() => ForwarderSource)): Promise<void> {
  const address = { kind: "unix", path: join(directory, "node.sock") } as const;
  forwarder = await startForwarder({ source, magic, network: { mode: "listen", address } });
}

function tracerComes(): TracerEnd {
  const socket = connect({ path: join(directory, "node.sock"), allowHalfOpen: true });
  const tracer = new TracerEnd(socket, "opener");
  tracers.push(tracer);
  tracer.shakeHands();
  tracer.ask(10);
  return tracer;
}

const objects = ["one", "two", "three"];
const waiting = { timeout: 20_000 };

test("no object of a source shared by all connections goes to two of them", async () => {
  const source = new ScriptedSource();
  await listen(source);
  const [first, second] = [tracerComes(), tracerComes()];
  await vi.waitFor(() => expect(forwarder.report().connections).toBe(2), waiting);
  source.send(...objects);
  const arrived = () => first.objects.length + second.objects.length;
  await vi.waitFor(() => expect(arrived()).toBe(3), waiting);
});

test("each tracer gets everything if each connection has its own source", async () => {
  await listen(() => new ScriptedSource({ objects }));
  const [first, second] = [tracerComes(), tracerComes()];
  for (const tracer of [first, second])
    await vi.waitFor(() => expect(tracer.objects).toHaveLength(3), waiting);
});

test("the forwarder has finished once everything is sent and the tracer asks for more", async () => {
  const source = new ScriptedSource({ objects });
  await listen(source);
  const tracer = tracerComes();
  await vi.waitFor(() => expect(tracer.objects).toHaveLength(3), waiting);
  source.end();
  let isFinished = false;
  void forwarder.finished.then(() => {
    isFinished = true;
  });
  tracer.ask(1);
  await vi.waitFor(() => expect(isFinished).toBe(true), waiting);
});

test.each([
  { returnsAfterDone: false, connections: 1 },
  { returnsAfterDone: true, connections: 2 },
])(
  "after done a forwarder connects again only if it should: $returnsAfterDone",
  async ({ returnsAfterDone, connections }) => {
    const path = join(directory, "tracer.sock");
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const tracer = new TracerEnd(
        socket.on("error", () => {}),
        "listener",
      );
      tracers.push(tracer);
      tracer.shakeHands();
      if (tracers.length > 1) return;
      tracer.send(miniProtocols.traceObjects, encodeTraceDone());
      socket.on("end", () => socket.end());
    }).listen(path);
    await once(server, "listening");
    const network = { mode: "connect", address: { kind: "unix", path } } as const;
    // Pauses take no time, so what is to come comes soon.
    const clock = { now: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
    forwarder = await startForwarder({
      source: new ScriptedSource(),
      magic,
      network,
      clock,
      returnsAfterDone,
    });
    if (!returnsAfterDone) await forwarder.finished;
    await vi.waitFor(() => expect(forwarder.report().connections).toBe(connections), waiting);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tracers).toHaveLength(connections);
    server.close();
  },
);

test("a stop is idempotent, and waits until the connections are closed", async () => {
  await listen(new ScriptedSource());
  const tracer = tracerComes();
  await vi.waitFor(() => expect(forwarder.report().connections).toBe(1), waiting);
  const stopped = forwarder.stop();
  expect(forwarder.stop()).toBe(stopped);
  tracer.stream.end();
  await stopped;
  await expect(forwarder.finished).resolves.toBeUndefined();
});
