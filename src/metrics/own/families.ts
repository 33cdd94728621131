import { type ExpositionFormat, expositionContentTypes } from "../node/exposition.js";
import type { Family, FamilyOptions, Rows } from "./family.js";
import type { OwnHistogram } from "./histogram.js";
import type { PrometheusClients } from "./prometheus-clients.js";

/** A whole exposition. */
export interface OwnExposition {
  readonly contentType: string;
  readonly body: string;
}

/**
 * Families of metrics, written in either format. An exposition reads everything once at the beginning, so that its
 * numbers fit together, and writes family after family, so that no turn of the event loop takes long.
 */
export class OwnFamilies<Reading> {
  readonly #read: () => Reading;
  readonly #families: Family<Reading>[] = [];
  readonly #underWay = new Map<ExpositionFormat, Promise<OwnExposition>>();
  #registries: Promise<PrometheusClients<Reading>> | undefined;

  constructor(read: () => Reading) {
    this.#read = read;
  }

  counter(options: FamilyOptions, rows: Rows<Reading>): void {
    this.#families.push({ ...options, type: "counter", rows });
  }

  gauge(options: FamilyOptions, rows: Rows<Reading>): void {
    this.#families.push({ ...options, type: "gauge", rows });
  }

  /** Do not use powers of ten as bounds: OpenMetrics writes them differently (`1.0`) than this code. */
  histogram(options: Omit<FamilyOptions, "labelNames">, histogram: OwnHistogram): void {
    this.#families.push({ ...options, labelNames: [histogram.labelName], type: "histogram", histogram });
  }

  /** Requests that arrive while it is being written share the result. */
  exposition(format: ExpositionFormat): Promise<OwnExposition> {
    let exposition = this.#underWay.get(format);
    if (exposition === undefined) {
      exposition = this.#write(format).finally(() => this.#underWay.delete(format));
      this.#underWay.set(format, exposition);
    }
    return exposition;
  }

  async #write(format: ExpositionFormat): Promise<OwnExposition> {
    const reading = this.#read();
    this.#registries ??= this.#openRegistries();
    const registries = await this.#registries;
    const body = await registries.write(format, reading);
    return { contentType: expositionContentTypes[format], body };
  }

  /** Created at the first request, so that the start of the daemon need not wait for it. */
  async #openRegistries(): Promise<PrometheusClients<Reading>> {
    const { PrometheusClients } = await import("./prometheus-clients.js");
    return new PrometheusClients(this.#families);
  }
}
