import { expect, test, vi } from "vitest";
import { type LogFault, type LogId, RegistryStopped } from "../../../src/registry/handle-registry.js";
import { FileSink } from "../../../src/sinks/files/file-sink.js";
import { SinkError } from "../../../src/sinks/sink.js";
import { batchOf } from "../../batches.js";
import { identity } from "../live/accounts.js";

const node = identity("relay");
const log: LogId = { root: "/logs", directory: "relay", extension: "json" };

function fault(changes: Partial<LogFault>): LogFault {
  const error = new Error("no space");
  return { log, severity: "failing", operation: "write", path: "/logs/a.json", error, since: 5, ...changes };
}

function sinkWith(registry: object): FileSink {
  const options = { logRoot: "/logs", format: "ForMachine", humanLayout: "console" } as const;
  return new FileSink({ ...options, registry: registry as never });
}

test("a log that cannot be written counts before one that only cannot be rotated", () => {
  const faults = [fault({ severity: "degraded", path: "/logs/full.json" }), fault({})];
  expect(sinkWith({ faults: () => faults }).health()).toMatchObject({
    state: "failing",
    reason: "write /logs/a.json: no space",
  });
  expect(sinkWith({ faults: () => faults.slice(0, 1) }).health()).toMatchObject({ state: "degraded" });
});

test.each([
  { ...log, extension: "log" as const },
  { ...log, root: "/other" },
])("faults of other sections do not concern it: %j", (other) => {
  expect(sinkWith({ faults: () => [fault({ log: other })] }).health()).toMatchObject({ state: "ok" });
});

test("only a stop of the registry counts as stopped, and any other error as one of Muninn's", async () => {
  const append = vi.fn(async () => {});
  const sink = sinkWith({ append });
  append.mockRejectedValueOnce(new RegistryStopped());
  await expect(sink.write(node, batchOf([{}]))).rejects.toMatchObject({ reason: "stopped" });
  append.mockRejectedValueOnce(new TypeError("a bug"));
  const error = await sink.write(node, batchOf([{}])).catch((thrown: unknown) => thrown);
  expect(error).not.toBeInstanceOf(SinkError);
});

test("a node's log is acquired when it comes, and released when it leaves", () => {
  const [acquire, release] = [vi.fn(), vi.fn()];
  const sink = sinkWith({ acquire, release });
  sink.open(node);
  expect([acquire.mock.calls, release.mock.calls]).toEqual([[[log]], []]);
  sink.close(node);
  expect([acquire.mock.calls, release.mock.calls]).toEqual([[[log]], [[log]]]);
});

test("a node's log is drained only once the registry has drained it", async () => {
  let drain!: () => void;
  const drained = new Promise<void>((resolve) => {
    drain = resolve;
  });
  let isDrained = false;
  const waited = sinkWith({ drained: () => drained })
    .drained(node)
    .then(() => {
      isDrained = true;
    });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDrained).toBe(false);
  drain();
  await waited;
});
