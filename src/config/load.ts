import { type FieldIssue, readFields } from "../fields/mapping.js";
import { type Config, effectiveConfig, type Values } from "./config.js";
import { problemsInPlace } from "./findings.js";
import { type GivenKey, givenKeys } from "./given-keys.js";
import { httpListeners } from "./listeners.js";
import { helpTexts } from "./metrics-help.js";
import { parseConfigDocument } from "./parse-document.js";
import { missingPrerequisites, modeRemarks } from "./prerequisites.js";
import { ConfigError, type Problem } from "./problem.js";
import { brokenRules, doubtfulFields } from "./rules.js";
import { configFields, configuration } from "./schema.js";
import { FileError, type ReadText, readSmallFile } from "./small-file.js";
import { unknownFields } from "./unknown-fields.js";

export interface LoadedConfig {
  readonly config: Config;
  /** Messages that do not prevent a start, such as unknown fields. */
  readonly warnings: readonly Problem[];
  /** Finds the places of fields for problems found elsewhere. */
  readonly placed: (issues: readonly FieldIssue[]) => Promise<Problem[]>;
  /** What this machine lacks for it: then both `run` and `check` refuse the file. */
  readonly missing: () => Promise<Problem[]>;
  /** Advice about features that it uses. */
  readonly remarks: () => Promise<Problem[]>;
}

/**
 * Reads a configuration file of cardano-tracer or Muninn, JSON or YAML, whatever its ending.
 *
 * @param read reads it, and the files that it names
 * @throws ConfigError with everything that is wrong with it.
 */
export async function loadConfig(file: string, read: ReadText = readSmallFile): Promise<LoadedConfig> {
  let text: string;
  try {
    text = await read(file);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    throw new ConfigError(file, [{ code: cause.code, message: cause.message }]);
  }
  return parseConfig(text, file, read);
}

/**
 * Parses the text of a configuration; `file` is its name in messages. File names in it are relative to the working
 * directory.
 *
 * @throws ConfigError with everything that is wrong with it.
 */
export async function parseConfig(
  text: string,
  file: string,
  read: ReadText = readSmallFile,
): Promise<LoadedConfig> {
  const document = await parseConfigDocument(text);
  if (document.errors.length > 0) throw new ConfigError(file, document.errors);
  const given = document.value;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const what = given === null ? "is empty" : "is not a mapping of fields";
    throw new ConfigError(file, [
      { code: "invalid", message: `${what}; must have at least networkMagic, network and logging` },
    ]);
  }
  // Rules between valid fields can be checked even if other fields are wrong.
  const { values: right, issues } = readFields(configFields, given);
  const fields = right as Partial<Values>;
  const keys = [...givenKeys(given, configuration)];
  const [help, unusable] = await Promise.all([
    helpTexts(fields.metricsHelp, read),
    unusableCertificate(fields, read),
  ]);
  const { errors, warnings } = await problemsInPlace(document, {
    wrong: [
      ...once(issues),
      ...brokenRules(fields, (name) => issues.some(({ path }) => path[0] === name)),
      ...unusable,
    ],
    withoutIt: help.fault === undefined ? [] : [{ path: ["metricsHelp"], message: help.fault }],
    doubtful: [...doubtfulFields(fields), ...doubtfulKeys(keys)],
    unknown: unknownFields(keys),
  });
  if (errors.length > 0) throw new ConfigError(file, errors, warnings);
  const placed = async (issues: readonly FieldIssue[]) =>
    (await problemsInPlace(document, { wrong: issues, withoutIt: [], doubtful: [], unknown: [] })).errors;
  const values = right as Values;
  return {
    config: effectiveConfig(values, help),
    warnings,
    placed,
    missing: async () => placed(await missingPrerequisites(values)),
    remarks: () => placed(modeRemarks(values)),
  };
}

/** Certificates matter only if an endpoint requires TLS. */
async function unusableCertificate(fields: Partial<Values>, read: ReadText): Promise<FieldIssue[]> {
  const isNeeded = httpListeners(fields).some(({ forceSsl }) => forceSsl);
  if (fields.tlsCertificate === undefined || !isNeeded) return [];
  const { CertificateError, readCertificate } = await import("./certificate.js");
  try {
    await readCertificate(fields.tlsCertificate, ["tlsCertificate"], read);
    return [];
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return [...error.problems];
  }
}

/** An error in an earlier name of several fields is found for each of them, and reported once. */
function once(issues: readonly FieldIssue[]): FieldIssue[] {
  return [...new Map(issues.map((issue) => [JSON.stringify(issue), issue])).values()];
}

/** Warnings about earlier names, retired fields, and old forms. */
function* doubtfulKeys(keys: readonly GivenKey[]): Generator<FieldIssue> {
  for (const { path, value, field, former } of keys) {
    const message = former ?? field?.past ?? field?.kind.doubt?.(value);
    if (message !== undefined && value !== null) yield { path, message };
  }
}
