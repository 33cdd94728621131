import { differing, liveIn, mixed } from "../fields/field-changes.js";
import { type Config, effectiveConfig, helpTextsOf, type Values, valuesOf } from "./config.js";
import { configFields } from "./schema.js";

/** The fields that a reload brings into effect, by their names in the file; all others take a restart. */
export const liveFields: readonly string[] = [...liveIn(configFields)];

/** The configuration that a reload makes: `loaded` in its live fields, `running` in all others. */
export function reloaded(running: Config, loaded: Config): Config {
  const values = mixed(configFields, { ...valuesOf(running) }, { ...valuesOf(loaded) });
  return effectiveConfig(values as Values, helpTextsOf(loaded));
}

/** The fields that differ, by their names in the file. A mapping is one, unless a reload takes only parts of it. */
export function changedFields(before: Config, after: Config): string[] {
  const comparable = (config: Config) => ({ ...valuesOf(config), metricsHelp: helpTextsOf(config) });
  return [...differing(configFields, comparable(before), comparable(after))];
}
