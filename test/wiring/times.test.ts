import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { kernelFileSystem } from "../../src/registry/file-system.js";
import { startTracer } from "../../src/testing/test-tracer.js";
import { PlainPeer } from "./plain-peer.js";

// A tracer with its own time limits: each has a test that fails if it is ten times shorter or longer.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Gives everything its turn until `condition` holds. The tracer's clock stands still meanwhile. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Lets this much time pass, and then gives sockets and files many turns for the consequences. */
async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  for (let turns = 0; turns < 200; turns += 1) await turn();
}

/** Says whether it has settled. */
function watched(promise: Promise<unknown>): { readonly isSettled: boolean } {
  const watch = { isSettled: false };
  void promise.finally(() => {
    watch.isSettled = true;
  });
  return watch;
}

test("a stopping tracer accepts for two seconds what a node still sends", async () => {
  await using tracer = await startTracer();
  const peer = await PlainPeer.at(tracer.address, { name: "slow", stays: true });
  await until(() => peer.wanted.length > 0);
  peer.reply(["first words"]);
  await until(() => tracer.accounts().written === 1 && peer.wanted.length > 0);
  const stopped = watched(tracer.stop());
  await pass(1_900);
  peer.reply(["last words"]);
  await until(() => tracer.accounts().written === 2);
  expect(stopped.isSettled).toBe(false);
  await pass(200);
  await until(() => stopped.isSettled);
  peer.leave();
  expect(await tracer.linesOf("slow")).toEqual(["first words", "last words"]);
});

test("health is served as long as a stopping tracer waits for its nodes", async () => {
  await using tracer = await startTracer({ config: { muninn: { health: { host: "127.0.0.1", port: 0 } } } });
  const [host, port] = tracer.served.get("health")!.split(":");
  const isServed = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), host, () => resolve(true)).on("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
  const peer = await PlainPeer.at(tracer.address, { name: "slow", stays: true });
  await until(() => peer.wanted.length > 0);
  const stopped = watched(tracer.stop());
  await pass(1_900);
  expect(await isServed()).toBe(true);
  for (let passed = 0; !stopped.isSettled && passed < 3_000; passed += 100) await pass(100);
  await until(() => stopped.isSettled);
  expect(await isServed()).toBe(false);
  peer.leave();
});

test("a node that does not give its name is asked for more after a quarter of a second", async () => {
  await using tracer = await startTracer({ config: { loRequestNum: 1 } });
  const peer = await PlainPeer.at(tracer.address, { name: undefined });
  await until(() => peer.wanted.length === 1);
  peer.reply(["first words"]);
  await pass(240);
  expect(peer.wanted).toEqual([]);
  await pass(20);
  await until(() => peer.wanted.length > 0);
  peer.leave();
});

test("a second stop of a tracer ends no sooner than the first", async () => {
  await using tracer = await startTracer();
  const peer = await PlainPeer.at(tracer.address, { name: "slow", stays: true });
  await until(() => peer.wanted.length > 0);
  const first = watched(tracer.stop());
  const second = watched(tracer.stop());
  await pass(1_900);
  expect([first.isSettled, second.isSettled]).toEqual([false, false]);
  await pass(200);
  await until(() => first.isSettled && second.isSettled);
  peer.leave();
});

test("a stopping tracer keeps trying to write for another one and a half seconds", async () => {
  let attempts = 0;
  const fileSystem = {
    ...kernelFileSystem,
    write: async () => {
      attempts += 1;
      throw Object.assign(new Error("no space"), { code: "ENOSPC", syscall: "write" });
    },
  };
  await using tracer = await startTracer({ fileSystem });
  const peer = await PlainPeer.at(tracer.address, { name: "stuck" });
  await until(() => peer.wanted.length > 0);
  peer.reply(["never written"]);
  await until(() => attempts > 0);
  peer.leave();
  const stopped = watched(tracer.stop());
  for (let passed = 0; passed < 900; passed += 100) await pass(100);
  expect(tracer.accounts()).toEqual({ received: 1, written: 0, dropped: 0 });
  expect(stopped.isSettled).toBe(false);
  // The limit starts when the files are reached, and the time for closing is added.
  for (let passed = 0; passed < 1_500; passed += 100) await pass(100);
  expect(stopped.isSettled).toBe(true);
  expect(tracer.accounts()).toEqual({ received: 1, written: 0, dropped: 1 });
});

test("a node silent for thirty seconds is disconnected", async () => {
  await using tracer = await startTracer();
  const peer = await PlainPeer.at(tracer.address, { name: "mute" });
  await until(() => peer.wanted.length > 0);
  peer.socket.removeAllListeners("data");
  peer.socket.resume();
  await pass(25_000);
  expect(peer.closed).toBe(false);
  for (let seconds = 0; seconds < 10; seconds += 1) await pass(1_000);
  await until(() => peer.closed);
});
