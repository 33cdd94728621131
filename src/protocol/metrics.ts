import { CborReader } from "./cbor-reader.js";
import { CborWriter } from "./cbor-writer.js";
import { KnownTexts } from "./known-texts.js";

/** A signed 64-bit counter or gauge, or a text. */
export type MetricValue =
  | { readonly kind: "counter" | "gauge"; readonly value: bigint }
  | { readonly kind: "label"; readonly value: string };

/** Takes metrics, one after another. */
interface MetricsReceiver {
  /** `value` is a bigint if a number would round it. */
  number(name: string, kind: "counter" | "gauge", value: number | bigint): void;
  label(name: string, text: string): void;
}

/** Takes the metrics of one answer. */
export interface AnswerReceiver extends MetricsReceiver {
  /** This many metrics came beyond the limit of an answer; they were skipped. */
  surplus(count: number): void;
  /** The answer is over. */
  end(): void;
}

export type MetricsRequest =
  | { readonly kind: "all" }
  | { readonly kind: "names"; readonly names: readonly string[] }
  /** Those changed since the node's last answer. */
  | { readonly kind: "updated" };

/** The numbers of messages. */
export const metricsMessage = { request: 0, done: 1, response: 1 } as const;
const asked = { all: 0, names: 1, updated: 2 } as const;
const valueKinds = ["counter", "gauge", "label"] as const;

/** Nodes have the same metrics, and repeat their names in every answer. */
const metricNames = new KnownTexts();

/** `[0, request]` */
export function encodeMetricsRequest(request: MetricsRequest): Uint8Array {
  const writer = new CborWriter().array(2).int(metricsMessage.request);
  if (request.kind !== "names") return writer.array(1).int(asked[request.kind]).finish();
  writer.array(2).int(asked.names);
  return writer.list(request.names, (name) => writer.text(name)).finish();
}

/** `[1]` */
export function encodeMetricsDone(): Uint8Array {
  return new CborWriter().array(1).int(metricsMessage.done).finish();
}

/** Reads what an acceptor sends. @throws ProtocolError */
export function decodeMetricsRequest(bytes: Uint8Array): MetricsRequest | { kind: "done" } {
  const reader = new CborReader(bytes, "a metrics request");
  if (reader.record(1, 2) === 1) {
    reader.key(metricsMessage.done);
    reader.end();
    return { kind: "done" };
  }
  reader.key(metricsMessage.request);
  const request = readAsked(reader);
  reader.end();
  return request;
}

function readAsked(reader: CborReader): MetricsRequest {
  if (reader.record(1, 2) === 1)
    return { kind: reader.key(asked.all, asked.updated) === asked.all ? "all" : "updated" };
  reader.key(asked.names);
  return { kind: "names", names: reader.list(() => reader.text()) };
}

/** `[1, [0, [[name, value], …]]]` */
export function encodeMetricsResponse(metrics: readonly (readonly [string, MetricValue])[]): Uint8Array {
  const writer = new CborWriter().array(2).int(metricsMessage.response).array(2).int(0);
  writer.list(metrics, ([name, metric]) => {
    writer.array(2).text(name).array(2).int(valueKinds.indexOf(metric.kind));
    if (metric.kind === "label") writer.text(metric.value);
    else writer.int(metric.value);
  });
  return writer.finish();
}

/** Reads what a forwarder answers, in its order. @throws ProtocolError */
export function decodeMetricsResponse(bytes: Uint8Array): [string, MetricValue][] {
  const metrics: [string, MetricValue][] = [];
  const receiver: MetricsReceiver = {
    number: (name, kind, value) => metrics.push([name, { kind, value: BigInt(value) }]),
    label: (name, value) => metrics.push([name, { kind: "label", value }]),
  };
  const reader = new CborReader(bytes, "a metrics answer");
  reader.record(2);
  reader.key(metricsMessage.response);
  reader.record(2);
  reader.key(0);
  reader.each(() => readMetric(reader, receiver));
  reader.end();
  return metrics;
}

/** Gives the next metric to `receiver`, without creating an object: nodes send thousands a second. @throws ProtocolError */
export function readMetric(reader: CborReader, receiver: MetricsReceiver): void {
  reader.record(2);
  const name = reader.text(metricNames);
  reader.record(2);
  const kind = reader.choice(valueKinds);
  if (kind === "label") receiver.label(name, reader.text());
  else receiver.number(name, kind, reader.int64());
}
