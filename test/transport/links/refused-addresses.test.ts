import { expect, test } from "vitest";
import { RefusedAddresses } from "../../../src/transport/links/refused-addresses.js";

function fail(addresses: RefusedAddresses, host: string, times: number): void {
  for (let time = 0; time < times; time += 1) addresses.add(host);
}

test("an address refused ten times within a minute waits for a minute", () => {
  let now = 5_000;
  const addresses = new RefusedAddresses(() => now);
  fail(addresses, "10.0.0.1", 9);
  now += 59_999;
  expect(addresses.mustWait("10.0.0.1")).toBe(false);
  fail(addresses, "10.0.0.1", 1);
  expect(addresses.mustWait("10.0.0.1")).toBe(true);
  expect(addresses.mustWait("10.0.0.2")).toBe(false);
  now += 59_999;
  expect(addresses.mustWait("10.0.0.1")).toBe(true);
  now += 1;
  expect(addresses.mustWait("10.0.0.1")).toBe(false);
  fail(addresses, "10.0.0.1", 9);
  expect(addresses.mustWait("10.0.0.1")).toBe(false);
});

test("refusals spread over time do not add up", () => {
  let now = 0;
  const addresses = new RefusedAddresses(() => now);
  for (let time = 0; time < 100; time += 1) {
    fail(addresses, "10.0.0.1", 1);
    now += 6_700;
    expect(addresses.mustWait("10.0.0.1")).toBe(false);
  }
});

test.each([
  { one: "2001:db8::1", other: "2001:db8:0:0:ffff::9", same: true },
  { one: "2001:db8::1", other: "2001:db8:0:1::1", same: false },
  { one: "::1", other: "::2", same: true },
  { one: "fe80::1%eth0", other: "fe80::2", same: true },
  { one: "10.0.0.1", other: "10.0.0.2", same: false },
])("$one and $other wait together: $same", ({ one, other, same }) => {
  const addresses = new RefusedAddresses(() => 0);
  fail(addresses, one, 10);
  expect(addresses.mustWait(other)).toBe(same);
});

test("beyond the limit the oldest address is forgotten", () => {
  const addresses = new RefusedAddresses(() => 0);
  fail(addresses, "192.168.0.1", 10);
  for (let n = 0; n < 9_999; n += 1) addresses.add(`10.${n >> 8}.${n & 255}.1`);
  expect(addresses.mustWait("192.168.0.1")).toBe(true);
  addresses.add("172.16.0.1");
  expect(addresses.mustWait("192.168.0.1")).toBe(false);
});
