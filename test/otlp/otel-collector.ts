import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../src/testing/eventually.js";
import { freePort } from "../end-to-end/daemon.js";

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
/** A collector that .ci/run builds from the parts in otelcol.yaml. */
const collectorProgram = join(cache, "muninn/otel/otelcol/otelcol-muninn");
export const missingCollector = existsSync(collectorProgram)
  ? undefined
  : "no collector of OpenTelemetry, see .ci/run";

const keptOutput = 100_000;

export interface OtelCollectorOptions {
  /** The directory for its configuration. */
  readonly directory: string;
  /** The single exporter: its `kind` and its options. */
  readonly exporter: readonly [kind: "file" | "otlp_http" | "otlp_grpc", options: object];
}

/** A real OpenTelemetry collector that accepts logs over HTTP, and passes them to one exporter before it answers. */
export class OtelCollector implements AsyncDisposable {
  readonly #file: string;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #said = "";

  private constructor(file: string, port: number) {
    this.#file = file;
    this.#port = port;
  }

  static async start({ directory, exporter: [kind, options] }: OtelCollectorOptions): Promise<OtelCollector> {
    const port = await freePort("127.0.0.1");
    const file = join(directory, "collector.json");
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: { [kind]: options },
      service: {
        pipelines: { logs: { receivers: ["otlp"], exporters: [kind] } },
        telemetry: { metrics: { level: "none" } },
      },
    };
    await writeFile(file, JSON.stringify(config));
    return OtelCollector.with(file, port);
  }

  /** Starts with a configuration that accepts logs at this port. */
  static async with(file: string, port: number): Promise<OtelCollector> {
    const collector = new OtelCollector(file, port);
    await collector.start();
    return collector;
  }

  /** The end of its output on stderr. */
  get said(): string {
    return this.#said;
  }

  /** Where it accepts logs. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/v1/logs`;
  }

  /** Starts it at the same port as before. */
  async start(): Promise<void> {
    const child = spawn(collectorProgram, ["--config", this.#file], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    child.stderr.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString("utf8")).slice(-keptOutput);
    });
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`the collector ended: ${this.#said}`);
      const socket = connect(this.#port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
    });
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "close");
    child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

interface WrittenRecord {
  readonly severityText: string;
  readonly severityNumber: number;
  readonly timeUnixNano: string;
  readonly body: { readonly stringValue: string };
}

/** The records that the collector's file exporter has written, in their order, each with its `service.name`. */
export function recordsIn(file: string): { readonly service: string; readonly record: WrittenRecord }[] {
  return (
    readFileSync(file, "utf8")
      .split("\n")
      // The last one may still be written.
      .slice(0, -1)
      .flatMap((line) =>
        JSON.parse(line).resourceLogs.flatMap(({ resource, scopeLogs }: ResourceLogs) => {
          const name = resource.attributes.find(({ key }) => key === "service.name");
          return scopeLogs.flatMap(({ logRecords }) =>
            (logRecords ?? []).map((record) => ({ service: name!.value.stringValue, record })),
          );
        }),
      )
  );
}

interface ResourceLogs {
  readonly resource: {
    readonly attributes: readonly {
      readonly key: string;
      readonly value: { readonly stringValue: string };
    }[];
  };
  readonly scopeLogs: readonly { readonly logRecords?: readonly WrittenRecord[] }[];
}
