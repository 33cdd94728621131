import { expect, test, vi } from "vitest";
import { ForwardingSink } from "../../src/sinks/forwarding/forwarding-sink.js";
import { BestEffortNatsSink } from "../../src/sinks/nats/best-effort-nats-sink.js";
import { BestEffortOtlpSink } from "../../src/sinks/otlp/best-effort-otlp-sink.js";
import type { BestEffortSink } from "../../src/sinks/sink.js";
import { collectGarbage } from "../garbage.js";
import { CountedAccount, identity } from "./live/accounts.js";

const senders = {
  open: () => {},
  close: () => {},
  metrics: () => [],
  writer: { metrics: () => [] },
};
const shared = { name: "sink", senders, queueBytes: 1_000, reload: async () => {} } as never;

const sinks: Record<string, () => BestEffortSink> = {
  forwarding: () =>
    new ForwardingSink({
      passes: () => true,
      queueSize: 10,
      queueBytes: 1_000,
      metrics: false,
      dataPoints: false,
      version: "1",
      log: { warning: vi.fn() } as never,
      serve: () => ({ stop: async () => {} }),
    }),
  NATS: () => new BestEffortNatsSink(shared),
  OTLP: () => new BestEffortOtlpSink(shared),
};

// Peers choose names: whatever is kept of each would take all memory in the end.
test.each(Object.keys(sinks))("%s keeps nothing of a node that has left", async (name) => {
  const sink = sinks[name]!();
  const visit = () => {
    const account = new CountedAccount();
    sink.open(identity("relay"), account);
    sink.close(identity("relay"));
    return new WeakRef(account);
  };
  const left = visit();
  await collectGarbage();
  expect(left.deref()).toBeUndefined();
});
