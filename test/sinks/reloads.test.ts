import { expect, test, vi } from "vitest";
import { BestEffortNatsSink } from "../../src/sinks/nats/best-effort-nats-sink.js";
import { RequiredNatsSink } from "../../src/sinks/nats/required-nats-sink.js";
import { BestEffortOtlpSink } from "../../src/sinks/otlp/best-effort-otlp-sink.js";
import { RequiredOtlpSink } from "../../src/sinks/otlp/required-otlp-sink.js";

const senders = { metrics: () => [], writer: { metrics: () => [] } };

test.each([RequiredNatsSink, BestEffortNatsSink, RequiredOtlpSink, BestEffortOtlpSink])(
  "%o reads its credentials again at a reload, and fails if they cannot be used",
  async (Sink) => {
    const reload = vi.fn(async () => {});
    const sink = new Sink({ name: "sink", senders, queueBytes: 1, reload } as never);
    await sink.reload();
    expect(reload).toHaveBeenCalledOnce();
    reload.mockRejectedValueOnce(new Error("no such file"));
    await expect(sink.reload()).rejects.toThrow("no such file");
  },
);
