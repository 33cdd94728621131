import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startTracer } from "../../src/testing/entry.js";

const many = 20_000;
const root = fileURLToPath(new URL("../..", import.meta.url));

/** A program of its own: the SDK as it is outside of a test. */
const program = `
const [form, compression, url] = process.argv.slice(1);
const { OTLPLogExporter } = form === "JSON"
  ? require("@opentelemetry/exporter-logs-otlp-http")
  : require("@opentelemetry/exporter-logs-otlp-proto");
const { BatchLogRecordProcessor, LoggerProvider } = require("@opentelemetry/sdk-logs");
const exporter = new OTLPLogExporter({ url, compression });
const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: ${many}, maxExportBatchSize: 1000 });
const provider = new LoggerProvider({ processors: [processor] });
const logger = provider.getLogger("Shop");
for (let n = 0; n < ${many}; n += 1) logger.emit({ severityNumber: 13, body: { n }, attributes: { kind: "Sold" } });
provider.forceFlush().then(() => provider.shutdown());
`;

test.each([
  ["protobuf", "gzip"],
  ["JSON", "none"],
])(
  "20,000 records of the Node SDK arrive, in %s with compression %s",
  {
    timeout: 120_000,
  },
  async (form, compression) => {
    await using tracer = await startTracer({
      config: { muninn: { otlp: { host: "127.0.0.1", port: 0 } } },
    });
    const url = `http://${tracer.served.get("otlp")}/v1/logs`;
    // The SDK names a service that has no name by how its program was called.
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    await promisify(execFile)("node", ["-e", program, form, compression, url], { cwd: root, env });
    const lines = (await tracer.linesOf("unknown_service_node")).map((line) => JSON.parse(line));
    expect(lines).toHaveLength(many);
    expect(lines[0]).toMatchObject({ ns: "Shop", sev: "Warning", data: { attributes: { kind: "Sold" } } });
    // The SDK sends several requests at once, so their order is not given.
    const numbers = lines.map(({ data }) => data.body.n).sort((a, b) => a - b);
    expect(numbers.every((number, n) => number === n)).toBe(true);
  },
);
