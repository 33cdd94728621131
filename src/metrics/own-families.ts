import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from "prom-client";
import { type ExpositionFormat, expositionContentTypes } from "./exposition.js";

export interface FamilyOptions {
  /** Whole name; that of a counter ends in `_total`. */
  readonly name: string;
  /** One sentence, without quotes and line feeds. */
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** The series of a family: labels and value of each. */
export type Rows<Reading> = (
  reading: Reading,
) => Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

/** A whole exposition. */
export interface OwnExposition {
  readonly contentType: string;
  readonly body: string;
}

const formats = ["text", "openmetrics"] as const satisfies readonly ExpositionFormat[];

/**
 * Families of metrics, written in either format. An exposition takes one reading of everything when it begins, so that
 * its numbers fit together, and writes family after family, so that no turn of the event loop takes long.
 *
 * There is a prom-client registry for each format: in OpenMetrics the family of the counter `x_total` is called `x`.
 */
export class OwnFamilies<Reading> {
  readonly #read: () => Reading;
  readonly #registries = { text: new Registry(), openmetrics: new Registry<OpenMetricsContentType>() };
  readonly #readings = new Map<ExpositionFormat, Reading>();
  readonly #underWay = new Map<ExpositionFormat, Promise<OwnExposition>>();

  constructor(read: () => Reading) {
    this.#read = read;
    this.#registries.openmetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  }

  counter({ name, help, labelNames = [] }: FamilyOptions, rows: Rows<Reading>): void {
    for (const format of formats) {
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
  }

  gauge({ name, help, labelNames = [] }: FamilyOptions, rows: Rows<Reading>): void {
    for (const format of formats) {
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

  /** Bounds that are powers of ten have another text in OpenMetrics (`1.0`) than prom-client writes: take others. */
  histogram(options: FamilyOptions & { readonly buckets: readonly number[] }): Histogram {
    const { name, help, labelNames = [], buckets } = options;
    const registers = formats.map((format) => this.#registries[format]);
    return new Histogram({ name, help, labelNames, buckets: [...buckets], registers });
  }

  /** Written once for all who ask while it is being written. */
  exposition(format: ExpositionFormat): Promise<OwnExposition> {
    let exposition = this.#underWay.get(format);
    if (exposition === undefined) {
      exposition = this.#write(format).finally(() => this.#underWay.delete(format));
      this.#underWay.set(format, exposition);
    }
    return exposition;
  }

  async #write(format: ExpositionFormat): Promise<OwnExposition> {
    this.#readings.set(format, this.#read());
    const registry: Pick<Registry, "getMetricsAsArray" | "getSingleMetricAsString"> =
      this.#registries[format];
    let body = "";
    for (const { name } of registry.getMetricsAsArray()) {
      body += `${await registry.getSingleMetricAsString(name)}\n`;
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#readings.delete(format);
    return { contentType: expositionContentTypes[format], body: `${body}# EOF\n` };
  }
}
