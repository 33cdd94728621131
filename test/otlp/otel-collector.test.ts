import { statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";

import { NumberedSource } from "../../src/testing/numbered-source.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { startTracer } from "../../src/testing/test-tracer.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { freePort, Workplace } from "../end-to-end/daemon.js";
import { nodeAt } from "../end-to-end/nodes.js";
import { leftOut } from "../left-out.js";
import { arrivalOf } from "./arrival.js";
import { missingCollector, OtelCollector, recordsIn } from "./otel-collector.js";

const many = 100_000;
/** Objects per second: slow enough for a restart to interrupt something. */
const rate = 25_000;

/** Resolves when a file has this many bytes. */
function grown(file: string, bytes: number): Promise<void> {
  return eventually(() => expect(statSync(file).size).toBeGreaterThan(bytes));
}

describe.skipIf(missingCollector !== undefined)(`a real collector${leftOut(missingCollector)}`, () => {
  test.each(["the collector", "Muninn"])(
    "receives 100,000 records across a restart of %s, as they are in the files, and none is lost",
    { timeout: 180_000 },
    async (restarted) => {
      await using place = await Workplace.open();
      const file = place.path("records.json");
      // Its exporter answers before it writes: accepted records are on disk only after an orderly stop.
      const exporter = ["file", { path: file, append: true }] as const;
      await using collector = await OtelCollector.start({ directory: place.directory, exporter });
      const config = { muninn: { sinks: [{ kind: "otlp", url: collector.url, required: true }] } };
      let daemon = await place.start(config);
      await using one = await nodeAt(place.socket, { name: "one", count: many / 2, rate });
      await using two = await nodeAt(place.socket, { name: "two", count: many / 2, rate });
      await grown(file, 5_000_000);
      if (restarted === "Muninn") {
        expect(await daemon.stop()).toBe(0);
        daemon = await place.start(config);
      } else {
        await collector.stop("SIGTERM");
        await collector.start();
      }
      const before = recordsIn(file).length;
      expect(before).toBeLessThan(many);
      await Promise.all([one.finished, two.finished]);
      // A batch is in the files before the collector has it.
      await eventually(async () => {
        for (const name of ["one", "two"]) expectAllInOrder(await place.linesOf(name), many / 2);
      });
      expect(await daemon.stop()).toBe(0);
      await collector.stop("SIGTERM");
      const records = recordsIn(file);
      let doubled = 0;
      for (const name of ["one", "two"]) {
        const lines = await place.linesOf(name);
        const own = records.filter(({ service }) => service === name).map(({ record }) => record);
        const texts = own.map(({ body }) => body.stringValue);
        const { first, doubles } = arrivalOf(texts, lines);
        doubled += doubles;
        expect(first).toEqual(lines);
        for (const { body, severityText, timeUnixNano } of own) {
          const { sev, at } = JSON.parse(body.stringValue);
          expect([severityText, new Date(Number(BigInt(timeUnixNano) / 1_000_000n)).toISOString()]).toEqual([
            sev,
            new Date(at).toISOString(),
          ]);
        }
      }
      console.log(`${many} records, ${doubled} of them twice`);
    },
  );

  const retry = { initial_interval: "100ms", max_interval: "1s", max_elapsed_time: "0s" };
  const queue = { enabled: true, queue_size: 1_000, block_on_overflow: true };
  /** No queue if the collector is killed: what it holds in memory would be lost with it. */
  const queues = { "the collector, killed": { enabled: false }, Muninn: queue, "Muninn, killed": queue };

  describe.each([
    ["HTTP and protobuf", "otlp_http", { encoding: "proto" }],
    ["HTTP and JSON", "otlp_http", { encoding: "json" }],
    ["gRPC", "otlp_grpc", { tls: { insecure: true } }],
  ] as const)("that sends over %s", (_, kind, options) => {
    test.each(["the collector, killed", "Muninn", "Muninn, killed"] as const)(
      "sends 100,000 records across a restart of %s, and each is in the files byte for byte",
      { timeout: 180_000 },
      async (restarted) => {
        await using place = await Workplace.open();
        const [port, grpcPort] = [await freePort("127.0.0.1"), await freePort("127.0.0.1")];
        const config = { muninn: { otlp: { host: "127.0.0.1", port, grpcPort } } };
        let daemon = await place.start(config);
        const endpoint = kind === "otlp_grpc" ? `127.0.0.1:${grpcPort}` : `http://127.0.0.1:${port}`;
        const exporter = [
          kind,
          { endpoint, ...options, timeout: "5s", retry_on_failure: retry, sending_queue: queues[restarted] },
        ] as const;
        await using collector = await OtelCollector.start({ directory: place.directory, exporter });
        const sinks = [{ kind: "otlp", url: collector.url, required: true }];
        await using sender = await startTracer({ config: { muninn: { sinks } } });
        const source = new NumberedSource({ name: "relay", count: many, rate: 2 * rate });
        await using node = await simulatedNode({
          source,
          network: { mode: "connect", address: sender.address },
        });
        await eventually(async () => expect((await place.textOf("relay")).length).toBeGreaterThan(5_000_000));
        if (restarted === "the collector, killed") {
          await collector.stop("SIGKILL");
          await collector.start();
        } else {
          if (restarted === "Muninn") expect(await daemon.stop()).toBe(0);
          else await daemon.kill();
          daemon = await place.start(config);
        }
        expect(new Set(await place.linesOf("relay")).size).toBeLessThan(many);
        await node.finished;
        await eventually(
          () => expect(sender.accounts()).toEqual({ received: 2 * many, written: 2 * many, dropped: 0 }),
          { withinMs: 90_000 },
        );
        // Records in the collector's queue still arrive.
        await eventually(async () => expect(new Set(await place.linesOf("relay")).size).toBe(many));
        expect(await daemon.stop()).toBe(0);
        const lines = await sender.linesOf("relay");
        expectAllInOrder(lines, many);
        const { first, doubles } = arrivalOf(await place.linesOf("relay"), lines);
        // A queue sends several requests at once.
        if (!queues[restarted].enabled) expect(first).toEqual(lines);
        console.log(`${many} records, ${doubles} of them twice`);
      },
    );
  });
});
