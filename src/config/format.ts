import { Document, isScalar } from "yaml";
import type { AnyKind, FieldPath } from "../fields/kind.js";
import { fieldsIn } from "../fields/kind.js";
import { type Config, effectiveConfig, helpTextsOf, valuesOf } from "./config.js";
import { configuration } from "./schema.js";

/**
 * The effective configuration as YAML that can be read again with the same meaning. Only secrets are masked.
 */
export function formatConfig(config: Config): string {
  const document = new Document(configuration.write(configuration.mask(valuesOf(config))));
  for (const { path, unit } of unitsOf(configuration, [])) comment(document, path, unit);
  if (config.metricsHelpFile !== undefined) {
    comment(document, ["metricsHelp"], `${Object.keys(config.metricsHelp).length} texts`);
  }
  return document.toString({ lineWidth: 0 });
}

/** The same configuration with tokens and passwords replaced by asterisks. */
export function maskSecrets(config: Config): Config {
  return effectiveConfig(configuration.mask(valuesOf(config)), helpTextsOf(config));
}

/** Units that neither the name of a field nor its value shows. */
function* unitsOf(kind: AnyKind, path: FieldPath): Generator<{ path: FieldPath; unit: string }> {
  for (const [key, field] of Object.entries(fieldsIn(kind) ?? {})) {
    const at = [...path, key];
    if (field.kind.unit !== undefined) yield { path: at, unit: field.kind.unit };
    yield* unitsOf(field.kind, at);
  }
}

function comment(document: Document, path: FieldPath, text: string): void {
  const node = document.getIn(path, true);
  if (isScalar(node)) node.comment = ` ${text}`;
}
