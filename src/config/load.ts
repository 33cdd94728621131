import * as v from "valibot";
import type { Config } from "./config.js";
import type { ConfigDocument } from "./document.js";
import { effectiveConfig } from "./effective.js";
import { type Finding, findingsOf, problemOf } from "./findings.js";
import { readMetricsHelp } from "./metrics-help.js";
import { parseConfigDocument } from "./parse-document.js";
import { ConfigError, formatField, type Problem } from "./problem.js";
import { brokenRules, doubtfulFields } from "./rules.js";
import { configSchema, type Fields } from "./schema.js";
import { FileError, readSmallFile } from "./small-file.js";
import { type UnknownField, unknownFields } from "./unknown-fields.js";

export interface LoadedConfig {
  readonly config: Config;
  /** What can be lived with, such as fields that nobody knows. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads a configuration file of cardano-tracer or Muninn, JSON or YAML, whatever its ending.
 *
 * @throws ConfigError with everything that is wrong with it.
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  let text: string;
  try {
    text = await readSmallFile(file);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    throw new ConfigError(file, [{ code: cause.code, message: cause.message }]);
  }
  return parseConfig(text, file);
}

/**
 * Takes the text of a configuration; `file` is its name in messages. Names of files in it are relative to the
 * working directory.
 *
 * @throws ConfigError with everything that is wrong with it.
 */
export async function parseConfig(text: string, file: string): Promise<LoadedConfig> {
  const document = await parseConfigDocument(text);
  if (document.errors.length > 0) throw new ConfigError(file, document.errors);
  const given = document.value;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const what = given === null ? "is empty" : "is not a mapping of fields";
    throw new ConfigError(file, [
      { code: "invalid", message: `${what}; must have at least networkMagic, network and logging` },
    ]);
  }
  const { fields, issues } = parseFields(given as Readonly<Record<string, unknown>>);
  const help = await helpTexts(fields);
  const { errors, warnings } = await inTheirPlaces(document, {
    wrong: [...issues, ...brokenRules(fields), ...help.findings, ...(await certificateFindings(fields))],
    doubtful: doubtfulFields(fields),
    unknown: unknownFields(given),
  });
  if (errors.length > 0) throw new ConfigError(file, errors, warnings);
  return { config: effectiveConfig(fields as Fields, help.texts), warnings };
}

/** The fields that are right by themselves, and what is wrong with the others. */
function parseFields(given: Readonly<Record<string, unknown>>): {
  fields: Partial<Fields>;
  issues: Finding[];
} {
  const issues: Finding[] = [];
  const fields: [string, unknown][] = [];
  for (const [name, schema] of Object.entries(configSchema.entries)) {
    const result = v.safeParse(schema, Object.hasOwn(given, name) ? given[name] : undefined);
    if (result.success) fields.push([name, result.output]);
    else issues.push(...result.issues.flatMap((issue) => findingsOf(issue, [name])));
  }
  return { fields: Object.fromEntries(fields), issues };
}

async function helpTexts({
  metricsHelp = {},
}: Partial<Fields>): Promise<{ texts: Readonly<Record<string, string>>; findings: Finding[] }> {
  if (typeof metricsHelp !== "string") return { texts: metricsHelp, findings: [] };
  try {
    return { texts: await readMetricsHelp(metricsHelp), findings: [] };
  } catch (error) {
    if (error instanceof FileError) {
      return { texts: {}, findings: [{ path: ["metricsHelp"], message: `${metricsHelp} ${error.message}` }] };
    }
    if (!(error instanceof ConfigError)) throw error;
    return {
      texts: {},
      findings: error.message.split("\n").map((message) => ({ path: ["metricsHelp"], message })),
    };
  }
}

/** Certificates matter only where an endpoint insists on TLS. */
async function certificateFindings(fields: Partial<Fields>): Promise<Finding[]> {
  const endpoints = [fields.hasPrometheus, fields.hasEKG, fields.hasTimeseries];
  if (fields.tlsCertificate === undefined || !endpoints.some((endpoint) => endpoint?.forceSsl)) return [];
  const { CertificateError, readCertificate } = await import("./certificate.js");
  try {
    await readCertificate(fields.tlsCertificate);
    return [];
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return [...error.problems];
  }
}

interface Findings {
  readonly wrong: readonly Finding[];
  readonly doubtful: readonly Finding[];
  readonly unknown: readonly UnknownField[];
}

/** What to say of a document, in its order. An unknown field is an error only among Muninn's own. */
async function inTheirPlaces(
  document: ConfigDocument,
  { wrong, doubtful, unknown }: Findings,
): Promise<{ errors: readonly Problem[]; warnings: readonly Problem[] }> {
  if (wrong.length + doubtful.length + unknown.length === 0) {
    return { errors: [], warnings: document.warnings };
  }
  const places = await document.places();
  const problem = (finding: Finding) => problemOf(finding, places);
  const unknownProblem = ({ path, meant }: UnknownField): Problem => {
    const message = `is unknown${isOurs({ path }) ? "" : " and ignored"}${question(meant)}`;
    return { code: "unknown-field", field: formatField(path), position: places.ofKey(path), message };
  };
  const ours = unknown.filter(isOurs);
  const others = unknown.filter((field) => !isOurs(field));
  return {
    errors: inOrder([...wrong.map(problem), ...ours.map(unknownProblem)]),
    warnings: inOrder([...document.warnings, ...doubtful.map(problem), ...others.map(unknownProblem)]),
  };
}

function isOurs({ path }: UnknownField): boolean {
  return path[0] === "muninn";
}

function question(meant: string | undefined): string {
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** As they stand in the file. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const at = ({ position }: Problem) =>
    (position === undefined ? [0, 0] : [position.line, position.column]) as [number, number];
  return problems.toSorted((a, b) => at(a)[0] - at(b)[0] || at(a)[1] - at(b)[1]);
}
