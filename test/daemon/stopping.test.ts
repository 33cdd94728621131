import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setImmediate as nextTick } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HangUp } from "../../src/daemon/hang-up.js";
import { openLastResort } from "../../src/daemon/last-resort.js";
import { encodeProposal } from "../../src/protocol/handshake.js";
import { miniProtocols } from "../../src/protocol/mini-protocols.js";
import { encodeSegments } from "../../src/protocol/mux.js";
import { Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";

const hangingCall = fileURLToPath(new URL("hanging-call.cjs", import.meta.url));

const earlyHangUp = fileURLToPath(new URL("early-hang-up.cjs", import.meta.url));

/** The promise, and the time that a loaded machine may take until the process has started and its exit is noticed. */
const goneWithinMs = 5_000 + 3_000;

/** A peer that shakes hands and then neither answers nor leaves, whatever the tracer does. */
async function deafPeer(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(encodeSegments("opener", miniProtocols.handshake, encodeProposal(764_824_073), 0));
  await once(socket, "data");
  return socket;
}

test("a stop ends in time with hanging peers, a peer in its handshake, and a disk that hangs", async () => {
  await using place = await Workplace.open();
  const fifo = place.path("fifo");
  expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
  const daemon = await place.start(
    {},
    { under: ["env", `HANGING_FIFO=${fifo}`, `NODE_OPTIONS=--require ${hangingCall}`] },
  );
  await using node = await nodeAt(place.socket, { name: "busy", rate: 500 });
  await daemon.logged("node_connected");
  const sockets = [await deafPeer(place.socket), await deafPeer(place.socket)];
  const late = connect({ path: place.socket, allowHalfOpen: true }).on("error", () => {});
  await once(late, "connect");

  const begunAt = performance.now();
  daemon.signal("SIGTERM");
  await daemon.logged("stopping");
  late.write(encodeSegments("opener", miniProtocols.handshake, encodeProposal(764_824_073), 0));
  expect(await daemon.exited).toBe("SIGKILL");
  expect(performance.now() - begunAt).toBeLessThan(goneWithinMs);
  expect((await daemon.logged("stopped")).msg).toContain("all objects were written");
  expect((await daemon.logged("file_call_hangs")).msg).toContain("Check the disk");
  for (const socket of [...sockets, late]) socket.destroy();
  await node.stop();
});

test("the stop line says what the queue of a downstream tracer that never came dropped, and that files have everything", async () => {
  await using place = await Workplace.open();
  const downstream = { tag: "ConnectTo", contents: [place.path("absent.sock")] };
  const daemon = await place.start({ hasForwarding: [downstream, null, { queueSize: 50 }] });
  await using node = await nodeAt(place.socket, { name: "busy", count: 200 });
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  expect((await daemon.logged("stopped")).msg).toMatch(
    /^stopped; all objects were written to required sinks \(file:ForMachine:[^:]*: 200\); best-effort sink forwarding dropped 200 of 200 objects \(queue-full: 150, stopped: 50\)$/,
  );
});

test("SIGTERM while the start waits for another machine's tracer ends the process at once, in order", async () => {
  await using place = await Workplace.open();
  const claims = join(place.path("logs"), ".muninn");
  mkdirSync(claims, { recursive: true });
  const holder = { id: "other", machine: "another", pid: 7, since: "then", hasSocket: true };
  writeFileSync(join(claims, "other.claims"), `000000000001\n${JSON.stringify(holder)}\n`);
  const daemon = await place.launch();
  await daemon.logged("claim_awaited");
  const begunAt = performance.now();
  daemon.signal("SIGTERM");
  expect(await daemon.exited).toBe(0);
  expect(performance.now() - begunAt).toBeLessThan(goneWithinMs);
  expect((await daemon.logged("stopped")).msg).toContain("stopped while starting");
  expect(readdirSync(claims)).toEqual(["other.claims"]);
});

test("a SIGHUP while the configuration is being read does not end the process, and reloads afterwards", async () => {
  await using place = await Workplace.open();
  const daemon = await place.launch({}, { under: ["env", `NODE_OPTIONS=--require ${earlyHangUp}`] });
  await daemon.logged("started");
  await daemon.logged("reloaded");
  expect(await daemon.stop()).toBe(0);
});

test("a start that fails for a foreseen reason reports it in one sentence, without a stack", async () => {
  await using place = await Workplace.open();
  const daemon = await place.launch({ network: { tag: "AcceptAt", contents: "192.0.2.1:3000" } });
  expect(await daemon.exited).toBe(1);
  const failure = daemon.log.find(({ event }) => event === "start_failed");
  expect(failure?.msg).toContain("192.0.2.1:3000");
  expect(JSON.stringify(daemon.log) + daemon.stderr).not.toMatch(/\bat \S+ \(|stack/);
});

describe("the last resort", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("ends the process at its time, not before, and logs that first", async () => {
    const calls: string[] = [];
    const onEnd = async () => void calls.push("said");
    openLastResort({ afterMs: 4_700, onEnd, end: () => calls.push("ended") });
    await vi.advanceTimersByTimeAsync(4_699);
    expect(calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toEqual(["said", "ended"]);
  });
});

describe("SIGHUP", () => {
  afterEach(() => {
    process.removeAllListeners("SIGHUP");
  });

  test("is served once, later, if it arrives before the daemon can reload", async () => {
    const hangUp = new HangUp();
    process.emit("SIGHUP");
    process.emit("SIGHUP");
    let reloads = 0;
    hangUp.serve(async () => {
      reloads += 1;
    });
    expect(reloads).toBe(1);
    await nextTick();
    process.emit("SIGHUP");
    expect(reloads).toBe(2);
    await nextTick();
    hangUp.ignore();
    process.emit("SIGHUP");
    await nextTick();
    expect(reloads).toBe(2);
  });

  test("brings one more reload, however often it arrives during one", async () => {
    const hangUp = new HangUp();
    const ends: (() => void)[] = [];
    hangUp.serve(() => new Promise((resolve) => ends.push(resolve)));
    for (let signal = 0; signal < 100; signal += 1) process.emit("SIGHUP");
    expect(ends).toHaveLength(1);
    ends[0]!();
    await nextTick();
    expect(ends).toHaveLength(2);
    ends[1]!();
    await nextTick();
    expect(ends).toHaveLength(2);
  });
});

test("a stop does not wait for a reload that is parsing a large configuration", async () => {
  await using place = await Workplace.open();
  const daemon = await place.start();
  const labels = Array.from({ length: 40_000 }, (_, index) => [`label${index}`, "x".repeat(60)]);
  await place.change({ prometheusLabels: Object.fromEntries(labels) });
  daemon.signal("SIGHUP");
  await new Promise((resolve) => setTimeout(resolve, 50));
  // Otherwise the last resort would end it, by SIGKILL.
  expect(await daemon.stop()).toBe(0);
});
