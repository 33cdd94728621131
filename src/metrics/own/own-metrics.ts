import type { ExpositionFormat } from "../node/exposition.js";
import type { OwnEvents } from "./events.js";
import { type OwnExposition, OwnFamilies } from "./families.js";
import { addRegistryFamilies } from "./handle-registry.js";
import { addOtlpInFamilies } from "./otlp-in.js";
import { addProcessFamilies, type ProcessWatch } from "./process.js";
import { type OwnReading, type OwnSources, takeReading } from "./reading.js";
import { addServiceFamilies } from "./service.js";
import { addSinkFamilies, type MeasuredSink } from "./sinks.js";
import { addTimeseriesFamilies } from "./timeseries.js";
import { addTraceObjectFamilies } from "./trace-objects.js";

export interface OwnMetricsOptions extends OwnSources {
  /** Muninn's. */
  readonly version: string;
  /** Stopped by its owner. */
  readonly process: ProcessWatch;
  readonly events: OwnEvents;
  /** Every reason to drop an object; each has a series from the start. */
  readonly dropReasons: readonly string[];
  readonly sinks: readonly MeasuredSink[];
}

/** The daemon's own metrics, read where they are counted. */
export class OwnMetrics {
  readonly #families: OwnFamilies<OwnReading>;

  constructor(options: OwnMetricsOptions) {
    const { version, process, events, dropReasons, sinks } = options;
    this.#families = new OwnFamilies(() => takeReading(options, process.read()));
    addTraceObjectFamilies(this.#families, dropReasons);
    addSinkFamilies(this.#families, sinks);
    events.addTo(this.#families);
    addRegistryFamilies(this.#families);
    addServiceFamilies(this.#families);
    addTimeseriesFamilies(this.#families);
    addOtlpInFamilies(this.#families);
    addProcessFamilies(this.#families, version);
  }

  /** What `/metrics/self` answers. */
  exposition(format: ExpositionFormat): Promise<OwnExposition> {
    return this.#families.exposition(format);
  }
}
