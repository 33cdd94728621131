import { expect, test } from "vitest";
import { NewNames } from "../../src/nodes/new-names.js";

/** Names of which an address may bring 1,000 at once and 60 a minute, on the test's clock. */
function namesAt(time: { now: number }): NewNames {
  return new NewNames({ now: () => time.now });
}

function taken(names: NewNames, address: string, tries: number): number {
  let count = 0;
  for (let n = 0; n < tries; n += 1) if (names.take(address)) count += 1;
  return count;
}

test("an address may bring a thousand new names at once, then one a second; refused ones are counted", () => {
  const time = { now: 0 };
  const names = namesAt(time);
  expect(taken(names, "10.0.0.1", 1_500)).toBe(1_000);
  expect(names.refused).toBe(500);
  expect(names.allows("10.0.0.1")).toBe(false);
  expect(names.exhausted()).toEqual(["10.0.0.1"]);
  time.now = 999;
  expect(taken(names, "10.0.0.1", 10)).toBe(0);
  time.now = 60_000;
  expect(taken(names, "10.0.0.1", 100)).toBe(60);
  time.now += 3_600_000;
  expect(taken(names, "10.0.0.1", 5_000)).toBe(1_000);
});

test("one address does not use up the allowance of another", () => {
  const names = namesAt({ now: 0 });
  taken(names, "10.0.0.1", 1_500);
  expect(taken(names, "10.0.0.2", 10)).toBe(10);
  expect(names.exhausted()).toEqual(["10.0.0.1"]);
});

test("asking whether a name is allowed uses no allowance", () => {
  const names = new NewNames({ burst: 1, now: () => 0 });
  expect([names.allows("a"), names.allows("a"), names.take("a"), names.allows("a")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test("beyond ten thousand addresses, those that brought names longest ago are forgotten", () => {
  const names = new NewNames({ burst: 1, now: () => 0 });
  for (let n = 0; n < 10_001; n += 1) names.take(`address-${n}`);
  expect(names.exhausted()).toHaveLength(10_000);
  expect([names.allows("address-0"), names.allows("address-1")]).toEqual([true, false]);
});

test("an address that brings another name is not one of those that are forgotten first", () => {
  const names = new NewNames({ burst: 2, now: () => 0 });
  for (let n = 0; n < 10_000; n += 1) taken(names, `address-${n}`, n === 0 ? 1 : 2);
  names.take("address-0");
  names.take("address-10000");
  expect([names.allows("address-0"), names.allows("address-1")]).toEqual([false, true]);
});
