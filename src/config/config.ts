import { defined } from "../fields/defined.js";
import type { ValuesOf } from "../fields/kind.js";
import { sameSection } from "./groups/logging.js";
import type { configFields } from "./schema.js";

export type { Endpoint } from "./groups/endpoint.js";

/** The values of all fields, each by its effective name, as the schema gives them. */
export type Values = ValuesOf<typeof configFields>;

/** The result of reading a `metricsHelp` file. */
export interface HelpTexts {
  readonly texts: Readonly<Record<string, string>>;
  /** Absolute; absent if the texts are in the configuration itself. */
  readonly file?: string;
  /** Why the file could not be used; then there are no texts. */
  readonly fault?: string;
}

/** The effective configuration: every default filled in, every time in milliseconds, every size in bytes. */
export type Config = ReturnType<typeof effectiveConfig>;

/** The configuration from the fields of a file. */
export function effectiveConfig(values: Values, metricsHelp: HelpTexts) {
  const { hasPrometheus, hasEKG, hasTimeseries, hasForwarding, ...others } = values;
  return {
    ...others,
    endpoints: defined({ prometheus: hasPrometheus, ekg: hasEKG, timeseries: hasTimeseries }),
    ...defined({ forwarding: hasForwarding }),
    logging: values.logging.filter((section, index) => sameSection(values.logging, section) === index),
    /** Internal metric name → help text. */
    metricsHelp: metricsHelp.texts,
    ...defined({ metricsHelpFile: metricsHelp.file, metricsHelpFault: metricsHelp.fault }),
  };
}

/** The fields that give this configuration: the inverse of `effectiveConfig`. */
export function valuesOf(config: Config): Values {
  const { endpoints, forwarding, metricsHelp, metricsHelpFile, metricsHelpFault: _, ...others } = config;
  const hasHelp = Object.keys(metricsHelp).length > 0;
  return {
    ...others,
    ...defined({
      hasPrometheus: endpoints.prometheus,
      hasEKG: endpoints.ekg,
      hasTimeseries: endpoints.timeseries,
      hasForwarding: forwarding,
      metricsHelp: metricsHelpFile ?? (hasHelp ? metricsHelp : undefined),
    }),
  };
}

/** Where the help texts of a configuration come from. */
export function helpTextsOf({ metricsHelp, metricsHelpFile, metricsHelpFault }: Config): HelpTexts {
  return { texts: metricsHelp, ...defined({ file: metricsHelpFile, fault: metricsHelpFault }) };
}
