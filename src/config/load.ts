import { type FieldIssue, readFields } from "../fields/mapping.js";
import { type Config, effectiveConfig, type HelpTexts, type Values } from "./config.js";
import type { ConfigDocument } from "./document.js";
import { problemOf } from "./findings.js";
import { type GivenKey, givenKeys } from "./given-keys.js";
import { readMetricsHelp } from "./metrics-help.js";
import { parseConfigDocument } from "./parse-document.js";
import { ConfigError, formatField, type Problem } from "./problem.js";
import { brokenRules, doubtfulFields } from "./rules.js";
import { configFields, configuration } from "./schema.js";
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
  // The fields that are right by themselves: whether they fit together can be said whatever is wrong with others.
  const { values: read, issues } = readFields(configFields, given);
  const fields = read as Partial<Values>;
  const keys = [...givenKeys(given, configuration)];
  const help = await helpTexts(fields);
  const { errors, warnings } = await inTheirPlaces(document, {
    wrong: [
      ...once(issues),
      ...brokenRules(fields, (name) => issues.some(({ path }) => path[0] === name)),
      ...help.findings,
      ...(await certificateFindings(fields)),
    ],
    doubtful: [...doubtfulFields(fields), ...doubtfulKeys(keys)],
    unknown: unknownFields(keys),
  });
  if (errors.length > 0) throw new ConfigError(file, errors, warnings);
  return { config: effectiveConfig(read as Values, help), warnings };
}

/** An earlier name of several fields is wrong for each of them. */
function once(issues: readonly FieldIssue[]): FieldIssue[] {
  return [...new Map(issues.map((issue) => [JSON.stringify(issue), issue])).values()];
}

/** Names that fields had earlier, fields of the past, and old forms. */
function* doubtfulKeys(keys: readonly GivenKey[]): Generator<FieldIssue> {
  for (const { path, value, field, former } of keys) {
    const message = former ?? field?.past ?? field?.kind.doubt?.(value);
    if (message !== undefined && value !== null) yield { path, message };
  }
}

async function helpTexts({
  metricsHelp = {},
}: Partial<Values>): Promise<HelpTexts & { findings: FieldIssue[] }> {
  if (typeof metricsHelp !== "string") return { texts: metricsHelp, findings: [] };
  const unreadable = (messages: readonly string[]) => ({
    texts: {},
    file: metricsHelp,
    findings: messages.map((message) => ({ path: ["metricsHelp"], message })),
  });
  try {
    return { texts: await readMetricsHelp(metricsHelp), file: metricsHelp, findings: [] };
  } catch (error) {
    if (error instanceof FileError) return unreadable([`${metricsHelp} ${error.message}`]);
    if (error instanceof ConfigError) return unreadable(error.message.split("\n"));
    throw error;
  }
}

/** Certificates matter only where an endpoint insists on TLS. */
async function certificateFindings(fields: Partial<Values>): Promise<FieldIssue[]> {
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
  readonly wrong: readonly FieldIssue[];
  readonly doubtful: readonly FieldIssue[];
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
  const problem = (finding: FieldIssue) => problemOf(finding, places);
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
