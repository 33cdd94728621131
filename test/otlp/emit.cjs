// node emit.cjs FORM COMPRESSION ADDRESS COUNT: sends this many records with OpenTelemetry's Node SDK, in several parts.
const [form, compression, address, count] = process.argv.slice(2);
const { OTLPLogExporter } =
  form === "JSON"
    ? require("@opentelemetry/exporter-logs-otlp-http")
    : require("@opentelemetry/exporter-logs-otlp-proto");
const { BatchLogRecordProcessor, LoggerProvider } = require("@opentelemetry/sdk-logs");

const part = 10_000;
const patienceMs = 60_000;

async function main() {
  const exporter = new OTLPLogExporter({
    url: `http://${address}/v1/logs`,
    compression,
    timeoutMillis: patienceMs,
  });
  const processor = new BatchLogRecordProcessor({
    exporter,
    maxQueueSize: 2 * part,
    maxExportBatchSize: 1_000,
    exportTimeoutMillis: patienceMs,
  });
  const provider = new LoggerProvider({ processors: [processor] });
  const logger = provider.getLogger("Shop");
  for (let n = 0; n < Number(count); n += 1) {
    logger.emit({ severityNumber: 13, body: String(n), attributes: { kind: "Sold" } });
    if (n % part === part - 1) await provider.forceFlush();
  }
  await provider.shutdown();
}

main();
