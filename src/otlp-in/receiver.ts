import type { Settlement } from "../inner-nodes/inner-node.js";
import { textOf } from "./any-value.js";
import { LogObjects } from "./log-object.js";
import { type TakenPoints, takeMetric } from "./metric-values.js";
import { ResourceNodes, type ResourceNodesOptions } from "./resource-nodes.js";
import {
  decodeRecord,
  decodeRequest,
  type Encoding,
  type LogsRequest,
  type MetricsRequest,
  type Signal,
} from "./schema.js";

/** What became of a request. */
export type Outcome =
  /** Everything is safe but what was rejected for good. */
  | { readonly kind: "taken"; readonly rejected: number; readonly message: string }
  /** It cannot be read, and never will be. */
  | { readonly kind: "garbage"; readonly message: string }
  /** It may be sent again. */
  | { readonly kind: "busy" | "failed"; readonly message: string };

export interface ReceiverOptions extends ResourceNodesOptions {
  readonly maxObjectBytes: number;
  readonly maxMetricsPerNode: number;
}

export interface ReceiverCounts {
  /** Log records and data points. */
  taken: Record<Signal, number>;
  rejected: Record<Signal, number>;
}

/** Makes nodes of resources, trace objects of log records, and metrics of data points. */
export class Receiver {
  readonly counts: ReceiverCounts = { taken: { logs: 0, metrics: 0 }, rejected: { logs: 0, metrics: 0 } };
  readonly #options: ReceiverOptions;
  readonly #nodes: ResourceNodes;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#nodes = new ResourceNodes(options);
  }

  get resources(): number {
    return this.#nodes.size;
  }

  /** Settles when what came is safe. Never rejects. `peer` is where it came from. */
  async take(signal: Signal, encoding: Encoding, body: Uint8Array, peer: string): Promise<Outcome> {
    let outcome: Outcome;
    try {
      const request: unknown = decodeRequest(signal, encoding, body);
      outcome =
        signal === "logs"
          ? await this.#takeLogs(request as LogsRequest, peer)
          : this.#takeMetrics(request as MetricsRequest, peer);
    } catch (error) {
      // Whatever a decoder throws is for bytes that it cannot read.
      return { kind: "garbage", message: `this is not an OTLP request: ${(error as Error).message}` };
    }
    if (outcome.kind === "taken") this.counts.rejected[signal] += outcome.rejected;
    return outcome;
  }

  async stop(): Promise<void> {
    await this.#nodes.stop();
  }

  async #takeLogs({ resourceLogs }: LogsRequest, peer: string): Promise<Outcome> {
    const { maxObjectBytes } = this.#options;
    let tooLarge = 0;
    // All is made before the first is handed over, so that garbage is refused as a whole.
    const parts = resourceLogs.map(({ resource, scopeLogs }) => {
      const made = new LogObjects(textOf(resource?.attributes ?? [], "host.name") ?? "");
      const objects: Uint8Array[] = [];
      for (const { scope, logRecords } of scopeLogs) {
        for (const record of logRecords) {
          const object = made.encode(decodeRecord(record), scope?.name ?? "");
          if (object.length > maxObjectBytes) tooLarge += 1;
          else objects.push(object);
        }
      }
      return { resource, objects };
    });
    const handed: Promise<readonly [Settlement, number]>[] = [];
    for (const { resource, objects } of parts) {
      if (objects.length === 0) continue;
      let node = this.#nodes.of(resource, peer);
      if (node === undefined) {
        // One request may have more of them than there is room for at a time.
        await Promise.all(handed);
        node = this.#nodes.of(resource, peer);
        if (node === undefined) return busy;
      }
      handed.push(node.add(objects).then((settlement) => [settlement, objects.length]));
    }
    const settled = await Promise.all(handed);
    const count = (wanted: Settlement) =>
      settled.reduce((sum, [settlement, objects]) => sum + (settlement === wanted ? objects : 0), 0);
    this.counts.taken.logs += count("safe");
    if (count("failed") > 0)
      return { kind: "failed", message: "not all records are safe; Muninn's log says why" };
    const refused = count("refused");
    const reasons = [
      ...(tooLarge > 0 ? [`${tooLarge} records are larger than ${maxObjectBytes} bytes`] : []),
      ...(refused > 0 ? [`${refused} records are of resources whose names are not let in`] : []),
    ];
    return { kind: "taken", rejected: tooLarge + refused, message: reasons.join("; ") };
  }

  #takeMetrics({ resourceMetrics }: MetricsRequest, peer: string): Outcome {
    const taken: TakenPoints = { rejected: 0, reasons: new Set() };
    let points = 0;
    for (const { resource, scopeMetrics } of resourceMetrics) {
      const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
      if (metrics.length === 0) continue;
      const node = this.#nodes.of(resource, peer);
      if (node === undefined) return busy;
      for (const metric of metrics) {
        points += pointsOf(metric);
        takeMetric(metric, node.metrics, this.#options.maxMetricsPerNode, taken);
      }
    }
    this.counts.taken.metrics += points - taken.rejected;
    return { kind: "taken", rejected: taken.rejected, message: [...taken.reasons].join("; ") };
  }
}

const busy: Outcome = { kind: "busy", message: "too many resources send at the same time" };

function pointsOf({
  gauge,
  sum,
  histogram,
  exponentialHistogram,
  summary,
}: MetricsRequest["resourceMetrics"][number]["scopeMetrics"][number]["metrics"][number]): number {
  return [gauge, sum, histogram, exponentialHistogram, summary].reduce(
    (count, data) => count + (data?.dataPoints.length ?? 0),
    0,
  );
}
