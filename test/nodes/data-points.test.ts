import { expect, test, vi } from "vitest";
import { DataPointRequests } from "../../src/nodes/data-points.js";
import { encodeDataPointsReply } from "../../src/protocol/data-points.js";

const hourMs = 3_600_000;

function requests() {
  const send = vi.fn();
  return { send, points: new DataPointRequests({ maxAnswerBytes: 1_000, send }) };
}

test("after the connection has ended nothing is asked, and nobody waits for an answer", async () => {
  vi.useFakeTimers();
  const { send, points } = requests();
  points.end();
  expect(await points.request(["a"], hourMs)).toBeUndefined();
  expect(send).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("the end of the connection answers everybody who waits, and stops their clocks", async () => {
  vi.useFakeTimers();
  const { points } = requests();
  const waiting = [points.request(["a"], hourMs), points.request(["b"], hourMs)];
  expect(vi.getTimerCount()).toBe(2);
  points.end();
  expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("at most 64 requests wait for a node, and those beyond are refused at once", async () => {
  const { send, points } = requests();
  const waiting = Array.from({ length: 64 }, (_, n) => points.request([`${n}`], hourMs));
  expect(await points.request(["too many"], hourMs)).toBeUndefined();
  expect(send).toHaveBeenCalledTimes(1);
  // Once one is answered, there is a place again.
  points.receive(encodeDataPointsReply([["0", undefined]]));
  expect(await waiting[0]).toEqual(new Map([["0", undefined]]));
  const next = points.request(["next"], hourMs);
  points.end();
  expect(await Promise.all([...waiting.slice(1), next])).toEqual(new Array(64).fill(undefined));
});

test("the answer to a request that was given up is not taken for the next one's", async () => {
  const { points } = requests();
  expect(await points.request(["late"], 0)).toBeUndefined();
  const next = points.request(["next"], hourMs);
  points.receive(encodeDataPointsReply([["late", undefined]]));
  points.receive(encodeDataPointsReply([["next", undefined]]));
  expect([...(await next)!.keys()]).toEqual(["next"]);
});
