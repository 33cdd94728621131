import { expect, test } from "vitest";
import { AskingDepth } from "../../src/nodes/asking-depth.js";

const requestCount = 100;

/** A node that fills every reply, behind a link: requested objects arrive one round trip later, up to its own rate. */
function drain(options: { roundTripMs: number; perRoundTrip: number; rounds: number; deepest?: number }) {
  const depth = new AskingDepth({ requestCount, deepest: options.deepest ?? 1_000 });
  depth.roundTrip(options.roundTripMs);
  const depths: number[] = [];
  let now = 0;
  for (let round = 0; round < options.rounds; round += 1) {
    const asked = depth.current(now) * requestCount;
    now += options.roundTripMs;
    depth.received(Math.min(asked, options.perRoundTrip), now);
    depths.push(depth.current(now));
  }
  return { depth, depths, now };
}

test("one request is open until a round trip was measured", () => {
  const depth = new AskingDepth({ requestCount, deepest: 64 });
  depth.received(10_000, 5);
  depth.received(10_000, 10);
  expect(depth.current(10)).toBe(1);
});

test("a node that fills its replies is asked deeper, until its own rate is the limit", () => {
  const { depths } = drain({ roundTripMs: 50, perRoundTrip: 3_500, rounds: 20 });
  // 35 requests fill the link; the depth keeps it full and stays within the headroom.
  expect(depths.at(-1)).toBeGreaterThanOrEqual(36);
  expect(depths.at(-1)).toBeLessThanOrEqual(71);
});

test("the depth needed is reached within eight round trips", () => {
  const { depths } = drain({ roundTripMs: 200, perRoundTrip: 14_000, rounds: 12 });
  expect(depths.findIndex((depth) => depth >= 140)).toBeLessThanOrEqual(8);
  expect(depths.findIndex((depth) => depth >= 140)).toBeGreaterThan(0);
});

test("the depth never exceeds the maximum", () => {
  const { depths } = drain({ roundTripMs: 50, perRoundTrip: 100_000, rounds: 50, deepest: 16 });
  expect(Math.max(...depths)).toBe(16);
});

test("a node that sends less than a reply per round trip has one request open", () => {
  const { depths } = drain({ roundTripMs: 50, perRoundTrip: 40, rounds: 50 });
  expect(new Set(depths)).toEqual(new Set([1]));
});

test("the depth falls slowly, and to one request after seconds without traffic", () => {
  const { depth, now } = drain({ roundTripMs: 50, perRoundTrip: 1_000, rounds: 20 });
  expect(depth.current(now + 200)).toBeGreaterThan(10);
  expect(depth.current(now + 2_000)).toBe(11);
  expect(depth.current(now + 4_000)).toBe(6);
  expect(depth.current(now + 20_000)).toBe(1);
});

test("one late measurement changes little", () => {
  const { depth, depths, now } = drain({ roundTripMs: 10, perRoundTrip: 1_000, rounds: 30 });
  depth.roundTrip(30);
  depth.received(1_250, now + 12.5);
  expect(depth.current(now + 12.5)).toBeLessThanOrEqual(depths.at(-1)! * 1.5);
});

test("a link that has become slower is asked as deep as its new round trip needs", () => {
  const depth = new AskingDepth({ requestCount, deepest: 1_000 });
  depth.roundTrip(10);
  for (let answers = 0; answers < 100; answers += 1) depth.roundTrip(100);
  depth.received(10_000, 100);
  expect(depth.current(100)).toBeGreaterThan(190);
});

test("an answer that arrived while nobody read is ignored, unless it is faster than the known round trip", () => {
  const { depth, depths, now } = drain({ roundTripMs: 10, perRoundTrip: 1_000, rounds: 30 });
  depth.roundTrip(10_000, false);
  depth.received(1_000, now + 10);
  expect(depth.current(now + 10)).toBe(depths.at(-1));
  depth.roundTrip(5, false);
  depth.received(1_000, now + 20);
  depth.received(1_000, now + 20_000);
  expect(depth.current(now + 20_000)).toBe(1);
});

test("the first answer counts even if nobody read: nothing else shows that there is a link to fill", () => {
  const depth = new AskingDepth({ requestCount, deepest: 64 });
  depth.roundTrip(50, false);
  depth.received(1_000, 50);
  expect(depth.current(50)).toBeGreaterThan(1);
});
