import { readdir } from "node:fs/promises";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { expect, test } from "vitest";
import { startTracer } from "../../src/testing/entry.js";

const many = 20_000;
const exporters = { protobuf: ProtobufExporter, JSON: JsonExporter };

test.each([
  ["protobuf", "gzip"],
  ["JSON", "none"],
] as const)(
  "20,000 records of the Node SDK arrive in order, in %s with compression %s",
  { timeout: 120_000 },
  async (form, compression) => {
    await using tracer = await startTracer({ config: { muninn: { otlp: { host: "127.0.0.1", port: 0 } } } });
    const exporter = new exporters[form]({
      url: `http://${tracer.served.get("otlp")}/v1/logs`,
      compression: compression as never,
    });
    const processor = new BatchLogRecordProcessor({
      exporter,
      maxQueueSize: many,
      maxExportBatchSize: 2_000,
    });
    const provider = new LoggerProvider({ processors: [processor] });
    const logger = provider.getLogger("Shop");
    for (let n = 0; n < many; n += 1)
      logger.emit({ severityNumber: 13, body: { n }, attributes: { kind: "Sold" } });
    await provider.forceFlush();
    await provider.shutdown();
    const [name] = (await readdir(tracer.logRoot)).filter((entry) => entry.startsWith("unknown_service"));
    const lines = (await tracer.linesOf(name!)).map((line) => JSON.parse(line));
    expect(lines).toHaveLength(many);
    expect(lines[0]).toMatchObject({
      ns: "Shop",
      sev: "Warning",
      data: { body: { n: 0 }, attributes: { kind: "Sold" } },
    });
    expect(lines.every(({ data }, n) => data.body.n === n)).toBe(true);
  },
);
