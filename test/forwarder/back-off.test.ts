import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BackOff } from "../../src/forwarder/back-off.js";
import { keepConnected } from "../../src/forwarder/keep-connected.js";

const limits = { initialMs: 1_000, maxMs: 45_000 };

test("pauses double from one second to the ceiling and stay there", () => {
  const backOff = new BackOff(limits);
  const pauses = Array.from({ length: 9 }, () => backOff.after(0) / 1_000);
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 45, 45, 45]);
});

test("only a connection that lasted as long as the ceiling resets the pauses", () => {
  const backOff = new BackOff(limits);
  const lasted = [0, 0, 44_999, 45_000, 0];
  expect(lasted.map((ms) => backOff.after(ms) / 1_000)).toEqual([1, 2, 4, 1, 2]);
});

let directory: string;
let server: Server | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "muninn-back-off-"));
});
afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(directory, { recursive: true });
});

test("an address where nobody listens is retried after each pause, and every failure is reported", async () => {
  const stopping = new AbortController();
  const pauses: number[] = [];
  const reasons: string[] = [];
  await keepConnected({
    address: { kind: "unix", path: join(directory, "absent.sock") },
    limits,
    clock: {
      now: () => 0,
      sleep: async (milliseconds) => {
        pauses.push(milliseconds);
        if (pauses.length === 3) stopping.abort();
      },
    },
    run: async () => {},
    onUnreachable: ({ message }) => reasons.push(message),
    signal: stopping.signal,
  });
  expect(pauses).toEqual([1_000, 2_000, 4_000]);
  expect(reasons).toHaveLength(3);
  expect(reasons[0]).toContain("ENOENT");
});

test("the pauses after short connections grow, and one that lasted resets them", async () => {
  const path = join(directory, "tracer.sock");
  server = createServer((socket) => socket.on("error", () => {}));
  server.listen(path);
  await once(server, "listening");
  const stopping = new AbortController();
  const lasting = [10, 10, 60_000, 10];
  const pauses: number[] = [];
  let now = 0;
  await keepConnected({
    address: { kind: "unix", path },
    limits,
    clock: {
      now: () => now,
      sleep: async (milliseconds) => {
        pauses.push(milliseconds);
        if (lasting.length === 0) stopping.abort();
      },
    },
    run: async (stream) => {
      now += lasting.shift()!;
      stream.destroy();
    },
    onUnreachable: vi.fn(),
    signal: stopping.signal,
  });
  expect(pauses).toEqual([1_000, 2_000, 1_000, 2_000]);
});
