import { expect, test } from "vitest";
import { KnownNodes } from "../../../src/sinks/live/known-nodes.js";
import { NodePulse } from "../../../src/sinks/live/node-pulse.js";
import { batchOf } from "../../batches.js";
import { CountedAccount, identity } from "./accounts.js";

const start = 1_700_000_000_000;

test("a pulse counts the last five minutes by severity, and forgets what is older", () => {
  const pulse = new NodePulse(start);
  pulse.count(batchOf([{ severity: "Error" }, { severity: "Info" }]), start);
  pulse.count(batchOf([{ severity: "Error" }]), start + 200_000);
  expect(pulse.bySeverity(start + 200_000)).toEqual([0, 1, 0, 0, 2, 0, 0, 0]);
  expect(pulse.bySeverity(start + 310_000)).toEqual([0, 0, 0, 0, 1, 0, 0, 0]);
  expect(pulse.bySeverity(start + 86_400_000)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(pulse).toMatchObject({ total: 3, lastAt: start + 200_000 });
});

test("the rate is that of the last seconds, and falls to zero", () => {
  const pulse = new NodePulse(start);
  for (let second = 0; second < 60; second += 1) pulse.count(batchOf([{}, {}, {}]), start + second * 1_000);
  expect(pulse.rate(start + 59_999)).toBeCloseTo(3, 0);
  expect(pulse.rate(start + 80_000)).toBe(0);
});

test("a clock set back loses no count", () => {
  const pulse = new NodePulse(start);
  pulse.count(batchOf([{}]), start + 60_000);
  pulse.count(batchOf([{}]), start);
  expect(pulse.bySeverity(start)[1]).toBe(2);
});

test("a node that left is known for an hour, and is the same one if it comes back", () => {
  let now = start;
  const nodes = new KnownNodes(() => now);
  nodes.open(identity("a"), new CountedAccount());
  nodes.close(identity("a"));
  expect([...nodes.all()]).toMatchObject([{ isConnected: false, since: start }]);
  now += 1_000;
  nodes.open(identity("a"), new CountedAccount());
  expect([...nodes.all()]).toMatchObject([{ isConnected: true, since: now }]);
  nodes.close(identity("a"));
  now += 3_600_001;
  expect([...nodes.all()]).toEqual([]);
});

test("a limited number of departed nodes is known, and every connected one", () => {
  const nodes = new KnownNodes(() => start);
  nodes.open(identity("stays"), new CountedAccount());
  for (let index = 0; index < 1_500; index += 1) {
    nodes.open(identity(`n${index}`), new CountedAccount());
    nodes.close(identity(`n${index}`));
  }
  const names = [...nodes.all()].map(({ identity: { name } }) => name);
  expect(names).toHaveLength(1_001);
  expect(names).toContain("stays");
  expect(names).toContain("n1499");
});

test("a clock set back and forward again clears nothing that was counted", () => {
  const pulse = new NodePulse(start);
  for (const at of [60_000, 20_000, 61_000]) pulse.count(batchOf([{}]), start + at);
  expect(pulse.bySeverity(start + 61_000)[1]).toBe(3);
});
