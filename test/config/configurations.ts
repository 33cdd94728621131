import { parseConfig } from "../../src/config/load.js";
import { ConfigError, formatProblem } from "../../src/config/problem.js";

/** Three lines that are a complete configuration; a test's own fields start in line 4. */
export const base = `networkMagic: 764824073
network: {tag: AcceptAt, contents: /run/muninn.sock}
logging: [{logRoot: /logs, logMode: FileMode, logFormat: ForMachine}]
`;

/** The errors of a configuration text, one a line as users see them. */
export async function errorsOf(text: string): Promise<string[]> {
  try {
    await parseConfig(text, "f");
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split("\n");
  }
}

/** The warnings of a configuration text without errors. */
export async function warningsOf(text: string): Promise<string[]> {
  const { warnings } = await parseConfig(text, "f");
  return warnings.map((problem) => formatProblem("f", problem));
}
