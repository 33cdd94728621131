import { Counter, Gauge, type Metric, type OpenMetricsContentType, Registry } from "prom-client";
import type { ExpositionFormat } from "../node/exposition.js";
import type { Family, FamilyOptions, Rows } from "./family.js";
import type { OwnHistogram } from "./histogram.js";

const formats = ["text", "openmetrics"] as const satisfies readonly ExpositionFormat[];

/** A prom-client registry for each format: in OpenMetrics the family of the counter `x_total` is called `x`. */
export class PrometheusClients<Reading> {
  readonly #registries = { text: new Registry(), openmetrics: new Registry<OpenMetricsContentType>() };
  readonly #readings = new Map<ExpositionFormat, Reading>();

  constructor(families: readonly Family<Reading>[]) {
    this.#registries.openmetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const family of families) {
      for (const format of formats) {
        if (family.type === "counter") this.#addCounter(format, family, family.rows);
        else if (family.type === "gauge") this.#addGauge(format, family, family.rows);
        else this.#registries[format].registerMetric(histogramMetric(family, family.histogram));
      }
    }
  }

  /** One text at a time in each format. */
  async write(format: ExpositionFormat, reading: Reading): Promise<string> {
    this.#readings.set(format, reading);
    const registry: Pick<Registry, "getMetricsAsArray" | "getSingleMetricAsString"> =
      this.#registries[format];
    let body = "";
    for (const { name } of registry.getMetricsAsArray()) {
      body += `${await registry.getSingleMetricAsString(name)}\n`;
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#readings.delete(format);
    return `${body}# EOF\n`;
  }

  #addCounter(
    format: ExpositionFormat,
    { name, help, labelNames = [] }: FamilyOptions,
    rows: Rows<Reading>,
  ): void {
    const counter = new Counter({
      name: format === "text" ? name : name.replace(/_total$/, ""),
      help,
      labelNames,
      registers: [this.#registries[format]],
      collect: () => {
        counter.reset();
        for (const [labels, value] of rows(this.#readings.get(format)!)) counter.inc(labels, value);
      },
    });
  }

  #addGauge(
    format: ExpositionFormat,
    { name, help, labelNames = [] }: FamilyOptions,
    rows: Rows<Reading>,
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registries[format]],
      collect: () => {
        gauge.reset();
        for (const [labels, value] of rows(this.#readings.get(format)!)) gauge.set(labels, value);
      },
    });
  }
}

/** prom-client's own histogram accepts only single observations, not counts. It needs nothing else of a metric than this. */
function histogramMetric({ name, help }: FamilyOptions, histogram: OwnHistogram): Metric {
  const { bounds, labelName } = histogram;
  const get = async () => ({
    name,
    help,
    type: "histogram",
    values: [...histogram.series()].flatMap(([label, { counts, sum }]) => {
      const own = { [labelName]: label };
      let total = 0;
      const buckets = counts.map((count, index) => {
        total += count;
        return {
          metricName: `${name}_bucket`,
          labels: { le: bounds[index] ?? "+Inf", ...own },
          value: total,
        };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels: own, value: sum },
        { metricName: `${name}_count`, labels: own, value: total },
      ];
    }),
  });
  return { name, get } as unknown as Metric;
}
