import { expect, test } from "vitest";
import type { NodeIdentity } from "../../src/nodes/identity.js";
import { Router } from "../../src/sinks/router.js";
import type { Sink, SinkHealth } from "../../src/sinks/sink.js";
import { batchOf } from "../batches.js";

const node: NodeIdentity = { connectionId: "unix-1", name: "relay", directory: "relay", slug: "relay" };

/** A sink whose writes settle when the test says so. */
class HeldSink implements Sink {
  readonly name: string;
  readonly required = true;
  readonly writes: PromiseWithResolvers[] = [];
  state: SinkHealth["state"] = "ok";

  constructor(name: string) {
    this.name = name;
  }

  open(): void {}
  close(): void {}

  async write(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.writes.push({ resolve, reject }));
  }

  async drained(): Promise<void> {}

  health(): SinkHealth {
    return { state: this.state, since: 0 };
  }
}

interface PromiseWithResolvers {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("a batch is safe when every sink has it, not before", async () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const router = new Router([first, second]);
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

test("what a stopped sink did not write is counted with the reason, for that sink only", async () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const router = new Router([first, second]);
  const written = router.write(node, batchOf([{}, {}, {}]));
  first.writes[0]!.resolve();
  second.writes[0]!.reject(new Error("stopped"));
  await written;
  expect(router.accounting.of(node, "a")).toMatchObject({ received: 3, written: 3 });
  expect(router.accounting.of(node, "b")).toMatchObject({ received: 3, written: 0 });
  expect([...router.accounting.of(node, "b").dropped]).toEqual([["stopped", 3]]);
  expect(router.accounting.total()).toEqual({ received: 6, written: 3, dropped: 3 });
});

test("keeping up means every sink does", () => {
  const [first, second] = [new HeldSink("a"), new HeldSink("b")];
  const router = new Router([first, second]);
  expect(router.keepingUp()).toBe(true);
  second.state = "failing";
  expect(router.keepingUp()).toBe(false);
});
