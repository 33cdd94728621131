import { afterEach, expect, test } from "vitest";
import { HangUp } from "../../src/daemon/hang-up.js";

afterEach(() => {
  process.removeAllListeners("SIGHUP");
});

/** Reloads that end when the test says so. */
function heldReloads() {
  const ends: (() => void)[] = [];
  const reload = () => new Promise<void>((resolve) => ends.push(resolve));
  return { ends, reload };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const hangUp = () => process.emit("SIGHUP");

test("a signal that comes before anything can be reloaded is served once that is possible", async () => {
  const { ends, reload } = heldReloads();
  const early = new HangUp();
  hangUp();
  hangUp();
  early.serve(reload);
  expect(ends).toHaveLength(1);
  ends[0]!();
  await turn();
  expect(ends).toHaveLength(1);
});

test("without a signal nothing is reloaded", async () => {
  const { ends, reload } = heldReloads();
  new HangUp().serve(reload);
  await turn();
  expect(ends).toEqual([]);
});

test("signals during a reload cause one more after it, and never two at the same time", async () => {
  const { ends, reload } = heldReloads();
  new HangUp().serve(reload);
  hangUp();
  for (let signals = 0; signals < 5; signals += 1) hangUp();
  await turn();
  expect(ends).toHaveLength(1);
  ends[0]!();
  await turn();
  expect(ends).toHaveLength(2);
  ends[1]!();
  await turn();
  expect(ends).toHaveLength(2);
  hangUp();
  expect(ends).toHaveLength(3);
});

test("a daemon that stops reloads no more, and its process survives the signal", async () => {
  const { ends, reload } = heldReloads();
  const stopping = new HangUp();
  stopping.serve(reload);
  stopping.ignore();
  hangUp();
  await turn();
  expect(ends).toEqual([]);
  expect(process.listenerCount("SIGHUP")).toBe(1);
});
