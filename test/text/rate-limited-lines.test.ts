import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RateLimitedLines, times } from "../../src/text/rate-limited-lines.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function linesWith(options?: ConstructorParameters<typeof RateLimitedLines>[0]) {
  const written: string[] = [];
  const lines = new RateLimitedLines(options);
  const say = (kind: string, address: string, text = "") =>
    lines.say(kind, address, (count) => written.push(`${kind} ${address}${text}: ${count}`));
  return { written, say };
}

test("the first event of a kind is logged at once, the others once a minute with their count", () => {
  const { written, say } = linesWith();
  for (let n = 0; n < 38_276; n += 1) say("garbage", "10.0.0.1", ` ${n}`);
  expect(written).toEqual(["garbage 10.0.0.1 0: 1"]);
  vi.advanceTimersByTime(59_999);
  expect(written).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(written.slice(1)).toEqual(["garbage 10.0.0.1 38275: 38275"]);
});

test("repeated events give one line a minute; after a quiet minute the next is logged at once", () => {
  const { written, say } = linesWith();
  for (let second = 0; second < 180; second += 1) {
    say("garbage", "a");
    vi.advanceTimersByTime(1_000);
  }
  expect(written).toEqual(["garbage a: 1", "garbage a: 59", "garbage a: 60", "garbage a: 60"]);
  vi.advanceTimersByTime(60_000);
  say("garbage", "a");
  expect(written.at(-1)).toBe("garbage a: 1");
  expect(written).toHaveLength(5);
});

test("each kind and each address has lines of its own", () => {
  const { written, say } = linesWith();
  for (const kind of ["garbage", "magic"]) for (const address of ["a", "b", "a"]) say(kind, address);
  expect(written).toEqual(["garbage a: 1", "garbage b: 1", "magic a: 1", "magic b: 1"]);
});

test("a thousand addresses that may log five lines each share a thousand lines, and then have one each", () => {
  const { written, say } = linesWith({ burst: 5 });
  for (let n = 0; n < 5_000; n += 1) say("connected", `${n % 1_000}`);
  expect(written).toHaveLength(1_024);
  vi.advanceTimersByTime(60_000);
  expect(written.length).toBeGreaterThan(1_900);
  expect(written.length).toBeLessThanOrEqual(2_024);
  const events = written.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  expect(events).toBe(5_000);
});

test("new addresses beyond a thousand share a line", () => {
  const { written, say } = linesWith();
  for (let n = 0; n < 5_000; n += 1) say("garbage", `${n}`);
  expect(written).toHaveLength(1_024);
  vi.advanceTimersByTime(60_000);
  expect(written).toHaveLength(1_025);
  expect(written.at(-1)).toMatch(/: 3976$/);
});

test("events up to the burst have a line each, and those beyond it share one in the next minute", () => {
  const { written, say } = linesWith({ burst: 3 });
  for (let n = 0; n < 5; n += 1) say("left", "a");
  expect(written).toEqual(["left a: 1", "left a: 1", "left a: 1"]);
  vi.advanceTimersByTime(60_000);
  expect(written.slice(3)).toEqual(["left a: 2"]);
});

test("a kind has its thousand lines again a minute after its first, and not sooner", () => {
  const { written, say } = linesWith({ burst: 5_000 });
  const after = (seconds: number, events: number) => {
    vi.advanceTimersByTime(seconds * 1_000);
    const before = written.length;
    for (let n = 0; n < events; n += 1) say("connected", "a");
    return written.length - before;
  };
  expect(after(0, 1)).toBe(1);
  expect(after(30, 1_023)).toBe(1_023);
  expect(after(31, 1_025)).toBe(1_024);
  expect(after(30, 1)).toBe(0);
});

test("a line that stands for several events says so, and one for a single event does not", () => {
  expect(times(1)).toBe("");
  expect(times(2)).toBe(" (the last of 2 like it within a minute)");
});

test("an event may stand for several, and the line of a minute has their sum", () => {
  const counts: number[] = [];
  const lines = new RateLimitedLines();
  for (const events of [5, 3, 4]) lines.say("gap", "subject", (count) => counts.push(count), events);
  vi.advanceTimersByTime(60_000);
  expect(counts).toEqual([5, 7]);
});
