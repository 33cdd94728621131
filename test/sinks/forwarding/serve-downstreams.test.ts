import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ForwarderSource } from "../../../src/forwarder/source.js";
import { encodeProposal } from "../../../src/protocol/handshake.js";
import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../../src/protocol/mux.js";
import { type ServeOptions, serveDownstreams } from "../../../src/sinks/forwarding/serve-downstreams.js";
import { eventually } from "../../../src/testing/eventually.js";

let directory: string;
let served: { stop(): Promise<void> } | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-downstreams-"));
});
afterEach(async () => {
  await served?.stop();
  await rm(directory, { recursive: true });
});

/** Has nothing for anybody. */
const empty: ForwarderSource = {
  metrics: new Map(),
  dataPoints: new Map(),
  isOver: false,
  takeNow: () => [],
  take: () => new Promise(() => {}),
};

function serve(network: ServeOptions["network"], maxReconnectDelayMs: number) {
  const log = { info: vi.fn(), warning: vi.fn() };
  const options = { network, magic: 42, maxReconnectDelayMs, verbose: false, log: log as never };
  served = serveDownstreams(options)(() => empty);
  return log;
}

test("whoever connects again and again causes twenty lines a minute", async () => {
  const path = join(directory, "up.sock");
  const log = serve({ mode: "AcceptAt", address: { kind: "unix", path } }, 1_000);
  const said = (event: string) => log.info.mock.calls.filter(([each]) => each === event).length;
  const proposal = encodeSegments("opener", miniProtocols.handshake, encodeProposal(42), 0);
  for (let count = 1; count <= 25; count += 1) {
    let socket = connect(path);
    while (!(await once(socket, "connect").catch(() => false))) socket = connect(path);
    socket.write(proposal);
    await once(socket, "data");
    socket.destroy();
  }
  await eventually(() => expect(said("downstream_left")).toBe(20));
  expect(said("downstream_connected")).toBe(20);
});

test("the longest pause before it connects again is the configured one", async () => {
  const path = join(directory, "down.sock");
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(path);
  await once(server, "listening");
  serve({ mode: "ConnectTo", addresses: [{ kind: "unix", path }] }, 5);
  // With pauses of a second these would take longer than the test may.
  await eventually(() => expect(connections).toBeGreaterThan(60));
  server.close();
});
