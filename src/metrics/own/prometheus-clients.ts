import { type Metric, type OpenMetricsContentType, Registry } from "prom-client";
import type { ExpositionFormat } from "../node/exposition.js";
import type { Family } from "./family.js";
import type { OwnHistogram } from "./histogram.js";

/** Series written in one turn of the event loop: thousands of nodes have some each. */
const seriesInTurn = 1_000;

/** A series as prom-client writes it. */
interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** If it is not the family's. */
  readonly metricName?: string;
}

/**
 * Writes families with prom-client, some series at a time. Its own counters and gauges are not used: they keep each series,
 * which with thousands of nodes is hundreds of megabytes.
 */
export class PrometheusClients<Reading> {
  readonly #families: readonly Family<Reading>[];

  constructor(families: readonly Family<Reading>[]) {
    this.#families = families;
  }

  async write(format: ExpositionFormat, reading: Reading): Promise<string> {
    let body = "";
    for (const family of this.#families) {
      let isFirst = true;
      for (const series of inPieces(seriesOf(family, reading))) {
        const text = await written(format, family, series);
        // Each piece begins with the family's two lines about itself.
        body += isFirst ? `${text}\n` : `${text.slice(text.indexOf("\n", text.indexOf("\n") + 1) + 1)}\n`;
        isFirst = false;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return `${body}# EOF\n`;
  }
}

/** In OpenMetrics the family of the counter `x_total` is called `x`. */
function written<Reading>(
  format: ExpositionFormat,
  { name: wholeName, help, type }: Family<Reading>,
  values: readonly Series[],
): Promise<string> {
  const isOpenMetrics = format === "openmetrics";
  const registry = isOpenMetrics ? openMetricsRegistry() : new Registry();
  const name = isOpenMetrics && type === "counter" ? wholeName.replace(/_total$/, "") : wholeName;
  // prom-client needs nothing else of a metric than this.
  registry.registerMetric({ name, get: async () => ({ name, help, type, values }) } as unknown as Metric);
  return registry.getSingleMetricAsString(name);
}

function openMetricsRegistry(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

/** At least one piece, which may be empty. */
function* inPieces(series: Iterable<Series>): Generator<readonly Series[]> {
  let piece: Series[] = [];
  for (const one of series) {
    if (piece.length === seriesInTurn) {
      yield piece;
      piece = [];
    }
    piece.push(one);
  }
  yield piece;
}

function* seriesOf<Reading>(family: Family<Reading>, reading: Reading): Generator<Series> {
  if (family.type === "histogram") {
    yield* histogramSeries(family.name, family.histogram);
    return;
  }
  let isEmpty = true;
  for (const [labels, value] of family.rows(reading)) {
    isEmpty = false;
    yield { labels, value };
  }
  if (isEmpty && (family.labelNames ?? []).length === 0) yield { labels: {}, value: 0 };
}

function* histogramSeries(name: string, histogram: OwnHistogram): Generator<Series> {
  const { bounds, labelName } = histogram;
  for (const [label, { counts, sum }] of histogram.series()) {
    const own = { [labelName]: label };
    let total = 0;
    for (const [index, count] of counts.entries()) {
      total += count;
      yield {
        metricName: `${name}_bucket`,
        labels: { le: `${bounds[index] ?? "+Inf"}`, ...own },
        value: total,
      };
    }
    yield { metricName: `${name}_sum`, labels: own, value: sum };
    yield { metricName: `${name}_count`, labels: own, value: total };
  }
}
