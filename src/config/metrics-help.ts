import { safeParse } from "valibot";
import { pathOf } from "../fields/kind.js";
import { texts } from "../fields/plain-kinds.js";
import type { HelpTexts } from "./config.js";
import { problemOf } from "./findings.js";
import { parseConfigDocument } from "./parse-document.js";
import { ConfigError } from "./problem.js";
import { FileError, type ReadText } from "./small-file.js";

/** The help texts in a configuration, or in the file that it names. A tracer also starts without them. */
export async function helpTexts(
  metricsHelp: string | Readonly<Record<string, string>> = {},
  read: ReadText,
): Promise<HelpTexts> {
  if (typeof metricsHelp !== "string") return { texts: metricsHelp };
  try {
    return { texts: await readMetricsHelp(metricsHelp, read), file: metricsHelp };
  } catch (error) {
    if (!(error instanceof FileError || error instanceof ConfigError)) throw error;
    const fault = error instanceof FileError ? `${metricsHelp} ${error.message}` : error.message;
    return { texts: {}, file: metricsHelp, fault };
  }
}

/**
 * Reads a file of help texts, JSON or YAML: internal metric name → text.
 *
 * @throws FileError if it cannot be read, ConfigError if it contains anything else.
 */
async function readMetricsHelp(file: string, read: ReadText): Promise<Readonly<Record<string, string>>> {
  const document = await parseConfigDocument(await read(file));
  if (document.errors.length > 0) throw new ConfigError(file, document.errors);
  const result = safeParse(texts("metric name to help text").schema, document.value);
  if (result.success) return result.output;
  const places = await document.places();
  throw new ConfigError(
    file,
    result.issues.map((issue) => problemOf({ path: pathOf(issue), message: issue.message }, places)),
  );
}
