import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DownstreamQueue } from "../../../src/sinks/forwarding/downstream-queue.js";
import { Downstreams } from "../../../src/sinks/forwarding/downstreams.js";

/** Counts like the router's accounts. */
class Account {
  written_ = 0;
  readonly reasons: Record<string, number> = {};
  received(): void {}
  written(objects: number): void {
    this.written_ += objects;
  }
  dropped(reason: string, objects: number): void {
    this.reasons[reason] = (this.reasons[reason] ?? 0) + objects;
  }
  get settled(): number {
    return this.written_ + Object.values(this.reasons).reduce((sum, count) => sum + count, 0);
  }
}

function open(limits: { queueSize?: number; queueBytes?: number } = {}) {
  const account = new Account();
  const dropped: string[] = [];
  let tasks: (() => void)[] = [];
  const downstreams = new Downstreams({
    queueSize: limits.queueSize ?? 3,
    queueBytes: limits.queueBytes ?? 1_000_000,
    answers: { metrics: new Map(), dataPoints: new Map() },
    onDropped: (reason, objects) => dropped.push(`${reason} ${objects}`),
    soon: (task) => tasks.push(task),
  });
  const turn = () => {
    for (const task of tasks.splice(0)) task();
    tasks = [];
  };
  let next = 0;
  const add = (count: number, bytes = 1) => {
    const objects = Array.from({ length: count }, () => {
      next += 1;
      return new Uint8Array(bytes).fill(next);
    });
    downstreams.add(objects, account);
  };
  const numbers = (objects: readonly Uint8Array[]) => objects.map(([first]) => first!);
  return { account, downstreams, dropped, add, turn, numbers };
}

describe("while no tracer is connected", () => {
  test("one queue keeps the newest objects for the next tracer", () => {
    const { account, downstreams, dropped, add, turn, numbers } = open();
    add(5);
    turn();
    expect(dropped).toEqual(["queue-full 2"]);
    expect(account).toMatchObject({ written_: 0, reasons: { "queue-full": 2 } });
    expect(numbers(downstreams.connect().takeNow(10))).toEqual([3, 4, 5]);
    expect(account.written_).toBe(3);
  });

  test("objects queued for the last tracer to leave go to the next one", () => {
    const { account, downstreams, add, turn, numbers } = open();
    const first = downstreams.connect();
    add(3);
    turn();
    expect(numbers(first.takeNow(1))).toEqual([1]);
    first.release();
    add(1);
    turn();
    expect(numbers(downstreams.connect().takeNow(10))).toEqual([2, 3, 4]);
    expect(account).toMatchObject({ written_: 4, reasons: {} });
  });
});

describe("with several tracers", () => {
  test("each one gets everything, and an object counts as written once", () => {
    const { account, downstreams, add, numbers } = open();
    const [one, two] = [downstreams.connect(), downstreams.connect()];
    add(2);
    expect(numbers(one.takeNow(10))).toEqual([1, 2]);
    expect(account.written_).toBe(0);
    expect(numbers(two.takeNow(10))).toEqual([1, 2]);
    expect(account.written_).toBe(2);
  });

  test("one that reads nothing loses its oldest objects, and the other loses none", () => {
    const { account, downstreams, dropped, add, turn, numbers } = open();
    const [reading, stuck] = [downstreams.connect(), downstreams.connect()];
    const got: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      add(2);
      got.push(...numbers(reading.takeNow(10)));
      turn();
    }
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(numbers(stuck.takeNow(10))).toEqual([6, 7, 8]);
    expect(dropped.length).toBeGreaterThan(0);
    expect(account).toMatchObject({ written_: 8, reasons: {} });
  });

  test("objects queued for one tracer are released when it leaves and others remain", () => {
    const { account, downstreams, add } = open();
    const [one, two] = [downstreams.connect(), downstreams.connect()];
    add(2);
    one.takeNow(1);
    two.release();
    expect(account).toMatchObject({ written_: 1, reasons: {} });
    one.takeNow(1);
    expect(account.settled).toBe(2);
  });

  test("what waited for one that leaves while another stays is dropped for that reason", () => {
    const { account, downstreams, dropped, add } = open();
    const [one, other] = [downstreams.connect(), downstreams.connect()];
    add(3);
    other.takeNow(1);
    one.release();
    expect(dropped).toEqual(["receiver-left 3"]);
    other.takeNow(2);
    expect(account).toMatchObject({ written_: 3, reasons: {} });
  });
});

test("a waiting tracer takes objects before the limit of the queue applies", async () => {
  const { account, downstreams, dropped, add, turn, numbers } = open({ queueSize: 1 });
  const queue = downstreams.connect();
  const waiting = queue.take(100, new AbortController().signal);
  add(50);
  expect(numbers(await waiting)).toHaveLength(50);
  turn();
  expect(dropped).toEqual([]);
  expect(account.written_).toBe(50);
});

test("the bytes of all queues together are limited immediately, and freed when their objects are settled", () => {
  const { account, downstreams, add } = open({ queueSize: 1_000, queueBytes: 100 });
  add(30, 10);
  expect(downstreams.waiting).toEqual({ objects: 10, bytes: 100 });
  expect(account.reasons).toEqual({ "queue-full": 20 });
  downstreams.connect().takeNow(4);
  expect(downstreams.waiting).toEqual({ objects: 6, bytes: 60 });
  downstreams.stop();
  expect(downstreams.waiting).toEqual({ objects: 0, bytes: 0 });
  expect(account.settled).toBe(30);
});

const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({
    do: fc.constantFrom("connect", "take", "leave", "turn" as const),
    count: fc.nat(4),
  }),
);

test("whatever tracers do, every object is settled once, each tracer gets its own in order, and queues keep their limits", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { account, downstreams, add, turn, numbers } = open();
      const queues: { queue: DownstreamQueue; got: number[] }[] = [];
      let added = 0;
      for (const { do: action, count } of steps) {
        const one = queues[count % Math.max(1, queues.length)];
        if (action === "add") {
          add(count);
          added += count;
        } else if (action === "connect") queues.push({ queue: downstreams.connect(), got: [] });
        else if (action === "turn") turn();
        else if (one !== undefined && action === "take") one.got.push(...numbers(one.queue.takeNow(count)));
        else if (one !== undefined && action === "leave") {
          one.queue.release();
          queues.splice(queues.indexOf(one), 1);
        }
        for (const { got } of queues) expect(got).toEqual([...got].sort((a, b) => a - b));
      }
      turn();
      expect(account.settled).toBeLessThanOrEqual(added);
      expect(downstreams.waiting.objects).toBeLessThanOrEqual(3 * Math.max(1, queues.length));
      downstreams.stop();
      expect(account.settled).toBe(added);
      expect(downstreams.waiting).toEqual({ objects: 0, bytes: 0 });
    }),
  );
});
