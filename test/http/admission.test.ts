import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Admission } from "../../src/http/admission.js";

const mebibyte = 1_048_576;
let heldByNodes = 0;
const admission = () =>
  new Admission({
    maxBytes: 4 * mebibyte,
    requestBytes: 65_536,
    fitBeside: (bytes) => bytes + heldByNodes <= 8 * mebibyte,
  });

beforeEach(() => {
  heldByNodes = 0;
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("all requests together have `maxBytes`, and each returns its share once", () => {
  const all = admission();
  const [one, other] = [all.enter()!, all.enter()!];
  expect(one.hold(3 * mebibyte)).toBe(true);
  expect(other.hold(mebibyte)).toBe(false);
  expect(other.hold(mebibyte / 2)).toBe(true);
  one.leave();
  one.leave();
  expect(other.hold(3 * mebibyte)).toBe(true);
  other.leave();
  expect(all.bytes).toBe(0);
});

test("each request counts, whatever it sends, so their number is limited, too", () => {
  const all = admission();
  let places = 0;
  while (all.enter() !== undefined) places += 1;
  expect(places).toBe(64);
});

test("memory held by nodes is not available to requests", () => {
  const all = admission();
  const [one, other] = [all.enter()!, all.enter()!];
  heldByNodes = 7 * mebibyte;
  expect(one.hold(mebibyte)).toBe(false);
  heldByNodes = 4 * mebibyte;
  expect(one.hold(mebibyte)).toBe(true);
  one.leave();
  expect(other.hold(100 * mebibyte)).toBe(true);
  other.leave();
  heldByNodes = 8 * mebibyte;
  expect(all.enter()).toBeUndefined();
});

test("if there is no room, a request that has been arriving for two seconds gives way, the oldest first", () => {
  const all = admission();
  const gone: string[] = [];
  const coming = (name: string) => {
    const place = all.enter()!;
    place.arriving(() => gone.push(name));
    expect(place.hold(1.8 * mebibyte)).toBe(true);
    return place;
  };
  const first = coming("first");
  vi.advanceTimersByTime(1_500);
  const second = coming("second");
  const third = all.enter()!;
  expect(third.hold(mebibyte)).toBe(false);
  expect(gone).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(third.hold(mebibyte)).toBe(true);
  expect(gone).toEqual(["first"]);
  // A request that lost its place gets no more room.
  expect(first.hold(1)).toBe(false);
  // A complete request keeps what it has.
  second.arrived();
  vi.advanceTimersByTime(5_000);
  expect(third.hold(2 * mebibyte)).toBe(false);
  expect(gone).toEqual(["first"]);
});
