import { loadConfig } from "../config/load.js";
import { ConfigError, formatProblem } from "../config/problem.js";
import { TailError } from "./tail-error.js";

/**
 * The directory that a configuration's log files are written to. Of several it is the first with ForMachine lines, or else
 * the first.
 * @throws TailError
 */
export async function logRootOf(file: string): Promise<string> {
  const sections = (await sectionsOf(file)).filter(({ mode }) => mode === "FileMode");
  const section = sections.find(({ format }) => format === "ForMachine") ?? sections[0];
  if (section !== undefined) return section.logRoot;
  throw new TailError("usage", `${file} writes no log files; use --url, or journalctl if it has JournalMode`);
}

async function sectionsOf(file: string) {
  try {
    return (await loadConfig(file)).config.logging;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new TailError("usage", error.problems.map((problem) => formatProblem(file, problem)).join("\n"));
  }
}
