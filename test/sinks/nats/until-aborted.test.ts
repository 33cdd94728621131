import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { untilAborted } from "../../../src/sinks/nats/link.js";

const never = new Promise(() => {});

test("a wait ends when its signal is aborted, also if that was before, or with what it waits for", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  await untilAborted(signal, Promise.resolve());
  const waiting = untilAborted(signal, never);
  controller.abort();
  await waiting;
  await untilAborted(signal, never);
});

test("no wait leaves a listener behind at a signal that lives longer", async () => {
  const { signal } = new AbortController();
  await untilAborted(signal, Promise.resolve());
  await expect(untilAborted(signal, Promise.reject(new Error("closed")))).rejects.toThrow("closed");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
