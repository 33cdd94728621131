import { differing, liveIn, mixed } from "../fields/field-changes.js";
import { type Config, effectiveConfig, helpTextsOf, type Values, valuesOf } from "./config.js";
import { configFields } from "./schema.js";

/** The fields that a reload applies, by their names in the file; all others need a restart. */
export const liveFields: readonly string[] = [...liveIn(configFields)];

/** The configuration after a reload: live fields from `loaded`, all others from `running`. */
export function reloaded(running: Config, loaded: Config): Config {
  const values = mixed(configFields, { ...valuesOf(running) }, { ...valuesOf(loaded) });
  return effectiveConfig(values as Values, helpTextsOf(loaded));
}

/** The fields that differ, by their names in the file. A mapping counts as one, unless a reload applies only parts of it. */
export function changedFields(before: Config, after: Config): string[] {
  const comparable = (config: Config) => ({ ...valuesOf(config), metricsHelp: helpTextsOf(config) });
  return [...differing(configFields, comparable(before), comparable(after))];
}
