import { parseConfigDocument } from "./document.js";
import { texts } from "./fields.js";
import { ConfigError, formatField } from "./problem.js";
import { readSmallFile } from "./small-file.js";

/**
 * Reads a file of help texts, JSON or YAML: internal metric name → text.
 *
 * @throws FileError where it cannot be read, ConfigError where it holds anything else.
 */
export async function readMetricsHelp(file: string): Promise<Readonly<Record<string, string>>> {
  const document = parseConfigDocument(await readSmallFile(file));
  if (document.errors.length > 0) throw new ConfigError(file, document.errors);
  const result = texts("metric name to help text").safeParse(document.value);
  if (result.success) return result.data;
  throw new ConfigError(
    file,
    result.error.issues.map(({ path, message }) => ({
      code: "invalid",
      field: formatField(path as string[]),
      position: document.positionOf(path as string[]),
      message,
    })),
  );
}
