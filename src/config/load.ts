import type { z } from "zod";
import type { Config } from "./config.js";
import { type ConfigDocument, parseConfigDocument } from "./document.js";
import { effectiveConfig } from "./effective.js";
import { readMetricsHelp } from "./metrics-help.js";
import { ConfigError, type FieldPath, formatField, type Problem } from "./problem.js";
import { brokenRules, doubtfulFields, type Finding } from "./rules.js";
import { configSchema, type Fields } from "./schema.js";
import { FileError, readSmallFile } from "./small-file.js";
import { unknownFields } from "./unknown-fields.js";

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
  const document = parseConfigDocument(text);
  if (document.errors.length > 0) throw new ConfigError(file, document.errors);
  const given = document.value;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const what = given === null ? "is empty" : "is not a mapping of fields";
    throw new ConfigError(file, [
      { code: "invalid", message: `${what}; must have at least networkMagic, network and logging` },
    ]);
  }
  const { fields, issues } = parseFields(given as Readonly<Record<string, unknown>>);
  const unknown = unknownFields(given);
  const help = await helpTexts(fields);
  const errors = inOrder([
    ...[...issues, ...brokenRules(fields), ...help.findings, ...(await certificateFindings(fields))].map(
      (finding) => problemOf(document, finding),
    ),
    ...unknown
      .filter(({ path }) => path[0] === "muninn")
      .map(({ path, meant }) => unknownProblem(document, path, `is unknown${question(meant)}`)),
  ]);
  const warnings = inOrder([
    ...document.warnings,
    ...doubtfulFields(fields).map((finding) => problemOf(document, finding)),
    ...unknown
      .filter(({ path }) => path[0] !== "muninn")
      .map(({ path, meant }) => unknownProblem(document, path, `is unknown and ignored${question(meant)}`)),
  ]);
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
  for (const [name, schema] of Object.entries(configSchema.shape)) {
    const result = schema.safeParse(Object.hasOwn(given, name) ? given[name] : undefined);
    if (result.success) fields.push([name, result.data]);
    else issues.push(...result.error.issues.flatMap((issue) => findingsOf(issue, [name])));
  }
  return { fields: Object.fromEntries(fields), issues };
}

/** Of alternatives that all fail, the one that was understood deepest tells most. */
function findingsOf(issue: z.core.$ZodIssue, above: FieldPath): Finding[] {
  const path = [...above, ...(issue.path as (string | number)[])];
  if (issue.code === "invalid_union") {
    const depth = (issues: readonly z.core.$ZodIssue[]) =>
      Math.max(0, ...issues.map((inside) => inside.path.length));
    const deepest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0];
    if (deepest !== undefined && depth(deepest) > 0)
      return deepest.flatMap((inside) => findingsOf(inside, path));
  }
  return [{ path, message: issue.message }];
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

function problemOf(document: ConfigDocument, { path, message }: Finding): Problem {
  return { code: "invalid", field: formatField(path), position: document.positionOf(path), message };
}

function unknownProblem(document: ConfigDocument, path: FieldPath, message: string): Problem {
  return { code: "unknown-field", field: formatField(path), position: document.positionOfKey(path), message };
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
