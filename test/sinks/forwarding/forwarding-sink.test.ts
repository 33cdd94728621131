import { expect, test, vi } from "vitest";
import type { DownstreamQueue } from "../../../src/sinks/forwarding/downstream-queue.js";
import { ForwardingSink } from "../../../src/sinks/forwarding/forwarding-sink.js";
import type { ServeDownstreams } from "../../../src/sinks/forwarding/serve-downstreams.js";
import { batchOf } from "../../batches.js";
import { CountedAccount, identity } from "../live/accounts.js";

const node = identity("relay");

function opened() {
  const clock = { now: 0 };
  const steps: string[] = [];
  let connect!: Parameters<ServeDownstreams>[0];
  const warning = vi.fn();
  const sink = new ForwardingSink({
    passes: () => true,
    queueSize: 1,
    queueBytes: 1_000_000,
    metrics: false,
    dataPoints: false,
    version: "1",
    log: { warning } as never,
    now: () => clock.now,
    serve: (openSource) => {
      connect = openSource;
      return { stop: async () => void steps.push("closed") };
    },
  });
  const account = new CountedAccount();
  sink.open(node, account);
  /** Objects that the queue has room for and more, and what becomes of them in this turn. */
  const offer = async (count: number) => {
    sink.offer(node, batchOf(Array(count).fill({})));
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { sink, account, clock, steps, warning, offer, connect: () => connect() as DownstreamQueue };
}

test("drops are reported and shown in health for a minute, whatever comes meanwhile", async () => {
  const { sink, clock, warning, offer } = opened();
  expect(sink.health().state).toBe("ok");
  await offer(3);
  clock.now = 59_999;
  await offer(1);
  expect(warning.mock.calls.map(([, message]) => message)).toEqual([
    "2 objects were not forwarded: the queue was full",
  ]);
  clock.now = 60_000;
  await offer(1);
  expect(warning).toHaveBeenCalledTimes(2);
  expect(warning.mock.calls[1]).toMatchObject([
    "forwarding_dropped",
    expect.stringMatching(/^2 objects/),
    {},
  ]);
  clock.now = 120_000;
  expect(sink.health().state).toBe("degraded");
  clock.now = 120_001;
  expect(sink.health().state).toBe("ok");
});

test("health counts what was dropped for either reason", async () => {
  const { sink, offer, connect } = opened();
  const [first] = [connect(), connect()];
  await offer(2);
  first!.release();
  expect(sink.health().reason).toBe(
    "a downstream tracer asks too slowly; 3 objects were not forwarded so far",
  );
});

test("a stop first lets the downstream tracers take what they have asked for, and then drops the rest", async () => {
  const { sink, account, steps, offer, connect } = opened();
  const queue = connect();
  await offer(1);
  const stopped = sink.stop();
  expect(queue.takeNow(1)).toHaveLength(1);
  await stopped;
  expect(steps).toEqual(["closed"]);
  expect(account).toMatchObject({ receivedObjects: 1, writtenObjects: 1 });
});
