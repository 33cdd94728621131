import { expect, test } from "vitest";
import { Accounting, departed } from "../../src/sinks/accounting.js";

const keptAfterLeavingMs = 10 * 60_000;

function nodeCalled(name: string) {
  return { connectionId: "unix-1", name, directory: name, slug: name };
}

function accountingAt(start: number) {
  let now = start;
  const accounting = new Accounting({ now: () => now });
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { accounting, pass };
}

function namesIn(accounting: Accounting): string[] {
  return [...accounting.entries()].map(([name]) => name);
}

test("the counts of a node that left stay separate for ten minutes, and then join those of all departed nodes", () => {
  const { accounting, pass } = accountingAt(1_000_000);
  const node = nodeCalled("relay");
  accounting.open(node);
  const account = accounting.of(node, "file");
  account.received = 7;
  account.written = 5;
  accounting.drop(account, { stopped: 2 });
  accounting.close(node);
  pass(keptAfterLeavingMs - 1);
  expect(namesIn(accounting)).toEqual(["relay"]);
  pass(2);
  expect(namesIn(accounting)).toEqual([departed]);
  expect(accounting.total()).toEqual({ received: 7, written: 5, dropped: 2 });
});

test("all counts of departed nodes are summed, by sink", () => {
  const { accounting, pass } = accountingAt(0);
  for (const name of ["one", "two"]) {
    const node = nodeCalled(name);
    accounting.open(node);
    const account = accounting.objectsOf(node, "file");
    account.received(7, 700);
    account.written(4);
    account.dropped("stopped", 2);
    account.dropped("queue-full", 1);
    accounting.close(node);
  }
  pass(keptAfterLeavingMs + 1);
  const dropped = new Map([
    ["stopped", 4],
    ["queue-full", 2],
  ]);
  const sum = { received: 14, written: 8, batches: 2, bytes: 1_400, dropped };
  expect([...accounting.entries()]).toEqual([[departed, "file", sum]]);
  expect([...accounting.bySink()]).toEqual([["file", sum]]);
});

test("a node that comes back keeps its counts", () => {
  const { accounting, pass } = accountingAt(0);
  const node = nodeCalled("relay");
  accounting.open(node);
  accounting.of(node, "file").received = accounting.of(node, "file").written = 3;
  accounting.close(node);
  accounting.open(node);
  pass(keptAfterLeavingMs * 2);
  expect(namesIn(accounting)).toEqual(["relay"]);
});

test("a node with unsettled objects keeps its account until they are settled", () => {
  const { accounting, pass } = accountingAt(0);
  const node = nodeCalled("relay");
  accounting.open(node);
  const account = accounting.of(node, "file");
  account.received = 3;
  accounting.close(node);
  pass(keptAfterLeavingMs * 2);
  expect(namesIn(accounting)).toEqual(["relay"]);
  account.written = 3;
  expect(namesIn(accounting)).toEqual([departed]);
});

test("however many names come and go, the number of accounts is limited and the sum loses nothing", () => {
  const { accounting } = accountingAt(0);
  for (let n = 0; n < 5_000; n += 1) {
    const node = nodeCalled(`node-${n}`);
    accounting.open(node);
    const account = accounting.of(node, "file");
    account.received = account.written = 2;
    accounting.close(node);
  }
  expect(namesIn(accounting).length).toBeLessThanOrEqual(1_001);
  expect(accounting.total()).toEqual({ received: 10_000, written: 10_000, dropped: 0 });
});
