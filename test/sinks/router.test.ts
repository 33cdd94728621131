import { expect, test, vi } from "vitest";
import type { NodeIdentity } from "../../src/nodes/identity.js";
import { Router } from "../../src/sinks/router.js";
import {
  type BestEffortSink,
  type ObjectAccount,
  type RequiredSink,
  SinkError,
  type SinkHealth,
} from "../../src/sinks/sink.js";
import { batchOf } from "../batches.js";

const node: NodeIdentity = { connectionId: "unix-1", name: "relay", directory: "relay", slug: "relay" };

const unwatched = { writing: () => () => {}, failed: () => {} };

/** A sink whose writes settle when the test says so. */
class HeldSink implements RequiredSink {
  readonly name: string;
  readonly kind = "required";
  readonly whenStuck = "";
  readonly writes: PromiseWithResolvers[] = [];
  state: SinkHealth["state"] = "ok";

  constructor(name: string) {
    this.name = name;
  }

  open(): void {}
  close(): void {}

  async write(): Promise<undefined> {
    await new Promise<void>((resolve, reject) => this.writes.push({ resolve, reject }));
  }

  async drained(): Promise<void> {}
  async stop(): Promise<void> {}

  health(): SinkHealth {
    return { state: this.state, since: 0 };
  }
}

interface PromiseWithResolvers {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Lets everything ready run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("a batch is safe once every sink has it, not before", async () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const router = new Router([first, second], unwatched);
  let safe = false;
  const written = router.write(node, batchOf([{}, {}])).then(() => {
    safe = true;
  });
  first.writes[0]!.resolve();
  await settle();
  expect(safe).toBe(false);
  expect(router.accounting.of(node, "a")).toMatchObject({ received: 2, written: 2 });
  expect(router.accounting.of(node, "b")).toMatchObject({ received: 2, written: 0 });
  second.writes[0]!.resolve();
  await written;
  expect(router.accounting.of(node, "b")).toMatchObject({ received: 2, written: 2 });
});

test("objects that a stopped sink did not write are counted with that reason, for that sink only", async () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const router = new Router([first, second], unwatched);
  const written = router.write(node, batchOf([{}, {}, {}]));
  first.writes[0]!.resolve();
  second.writes[0]!.reject(new SinkError("stopped"));
  await written;
  expect(router.accounting.of(node, "a")).toMatchObject({ received: 3, written: 3 });
  expect(router.accounting.of(node, "b")).toMatchObject({ received: 3, written: 0 });
  expect([...router.accounting.of(node, "b").dropped]).toEqual([["stopped", 3]]);
  expect(router.accounting.total()).toEqual({ received: 6, written: 3, dropped: 3 });
});

test("a sink that fails to stop is reported, and the others are still stopped", async () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const fault = new TypeError("no such thing");
  first.stop = async () => {
    throw fault;
  };
  let isStopped = false;
  second.stop = async () => {
    isStopped = true;
  };
  const failed: unknown[] = [];
  const router = new Router([first, second], { ...unwatched, failed: (...told) => failed.push(told) });
  await router.stop({ deadlineMs: 10 });
  expect(failed).toEqual([[first, fault]]);
  expect(isStopped).toBe(true);
});

test("a sink that fails when a node comes or goes is reported, and neither the node nor other sinks notice", async () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const fault = new TypeError("no such thing");
  const fail = () => {
    throw fault;
  };
  Object.assign(first, { open: fail, close: fail, begin: fail, drained: async () => fail() });
  const calls: string[] = [];
  Object.assign(second, { open: () => calls.push("open"), close: () => calls.push("close") });
  const failed: unknown[] = [];
  const router = new Router([first, second], { ...unwatched, failed: (...told) => failed.push(told) });
  router.begin({ nodes: () => [] });
  router.open(node);
  router.close(node);
  await router.drained(node);
  expect(calls).toEqual(["open", "close"]);
  expect(failed).toEqual(new Array(4).fill([first, fault]));
});

test("the router keeps up only if every sink does", () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const router = new Router([first, second], unwatched);
  expect(router.keepingUp()).toBe(true);
  second.state = "failing";
  expect(router.keepingUp()).toBe(false);
});

test("a sink that fails through an error in Muninn counts its objects as failed and reports the error", async () => {
  const sink = new HeldSink("a");
  const failures: unknown[] = [];
  const router = new Router([sink], { writing: () => () => {}, failed: (_, error) => failures.push(error) });
  const written = router.write(node, batchOf([{}, {}]));
  const error = new TypeError("x is not a function");
  sink.writes[0]!.reject(error);
  expect(await written).toBe(false);
  expect([...router.accounting.of(node, "a").dropped]).toEqual([["failed", 2]]);
  expect(failures).toEqual([error]);
});

test("objects that a required sink drops from a batch are counted by reason, and the rest as written", async () => {
  const sink: RequiredSink = Object.assign(new HeldSink("a"), {
    write: async () => ({ rejected: 1, "too-large": 2 }),
  });
  const router = new Router([sink], unwatched);
  expect(await router.write(node, batchOf([{}, {}, {}, {}]))).toBe(true);
  expect(router.accounting.of(node, "a")).toMatchObject({ received: 4, written: 1 });
  expect([...router.accounting.of(node, "a").dropped]).toEqual([
    ["rejected", 1],
    ["too-large", 2],
  ]);
});

/** Accepts one object of each batch at once and drops the rest. */
class PickySink implements BestEffortSink {
  readonly kind = "best-effort";
  readonly name = "picky";
  readonly accounts = new Map<string, ObjectAccount>();

  open({ name }: NodeIdentity, account: ObjectAccount): void {
    this.accounts.set(name, account);
  }

  offer({ name }: NodeIdentity, { length, receivedBytes }: { length: number; receivedBytes: number }): void {
    if (length > 3) throw new TypeError("too many for me");
    const account = this.accounts.get(name)!;
    account.received(length, receivedBytes);
    account.written(1);
    account.dropped("queue-full", length - 1);
  }

  close(): void {}
  async stop(): Promise<void> {}

  health(): SinkHealth {
    return { state: "failing", since: 0 };
  }
}

test("a best-effort sink is offered each batch and never waited for, and its account balances", async () => {
  const [required, picky] = [new HeldSink("a"), new PickySink()];
  const router = new Router([picky, required], unwatched);
  router.open(node);
  expect(router.keepingUp()).toBe(true);
  const written = router.write(node, batchOf([{}, {}, {}]));
  required.writes[0]!.resolve();
  expect(await written).toBe(true);
  expect(router.accounting.of(node, "picky")).toMatchObject({ received: 3, written: 1, batches: 1 });
  expect([...router.accounting.of(node, "picky").dropped]).toEqual([["queue-full", 2]]);
});

test("a best-effort sink that fails loses only its own copy of the batch", async () => {
  const [required, picky] = [new HeldSink("a"), new PickySink()];
  const failures: string[] = [];
  const observer = { writing: () => () => {}, failed: ({ name }: { name: string }) => failures.push(name) };
  const router = new Router([picky, required], observer);
  router.open(node);
  const written = router.write(node, batchOf([{}, {}, {}, {}]));
  required.writes[0]!.resolve();
  expect(await written).toBe(true);
  expect(router.accounting.of(node, "picky")).toMatchObject({ received: 4, written: 0 });
  expect([...router.accounting.of(node, "picky").dropped]).toEqual([["failed", 4]]);
  expect(router.accounting.of(node, "a")).toMatchObject({ received: 4, written: 4 });
  expect(failures).toEqual(["picky"]);
});

test("a stop reports what required sinks gave up, and not what a best-effort one dropped", async () => {
  const [required, picky] = [new HeldSink("a"), new PickySink()];
  const router = new Router([picky, required], unwatched);
  router.open(node);
  const written = router.write(node, batchOf([{}, {}, {}]));
  router.drop(undefined, "refused", 5, 500);
  expect(router.unwritten()).toBe(0);
  required.writes[0]!.reject(new SinkError("stopped"));
  await written;
  expect(router.unwritten()).toBe(3);
});

test("objects that go to no sink are counted as received and dropped at each of them", () => {
  const router = new Router([new HeldSink("a"), new PickySink()], unwatched);
  router.drop(undefined, "refused", 7, 700);
  expect(router.accounting.total()).toEqual({ received: 14, written: 0, dropped: 14 });
});

test("a sink that is only degraded keeps up", () => {
  const sink = new HeldSink("a");
  const router = new Router([sink], unwatched);
  sink.state = "degraded";
  expect(router.keepingUp()).toBe(true);
});

test("a reload that fails at one sink still waits until the others have read their credentials", async () => {
  let hasRead = false;
  const slow = Object.assign(new HeldSink("slow"), {
    reload: async () => {
      await settle();
      hasRead = true;
    },
  });
  const broken = Object.assign(new HeldSink("broken"), {
    reload: async () => {
      throw new Error("no such file");
    },
  });
  await expect(new Router([broken, slow], unwatched).reload()).rejects.toThrow("no such file");
  expect(hasRead).toBe(true);
});

test("only what required sinks gave up at a stop, or lost through an error, counts as unwritten", () => {
  const router = new Router([new HeldSink("a"), new PickySink()], unwatched);
  router.drop(node, "stopped", 2, 20);
  router.drop(node, "failed", 3, 30);
  router.drop(node, "too-large", 7, 70);
  expect(router.unwritten()).toBe(5);
});

test("the counts of a node that has left join those of all such nodes", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const router = new Router([new HeldSink("a")], unwatched);
  router.open(node);
  router.drop(node, "failed", 2, 20);
  router.close(node);
  vi.advanceTimersByTime(601_000);
  expect([...router.accounting.entries()].map(([name]) => name)).toEqual([""]);
  vi.useRealTimers();
});
