import { alternatives, list } from "../../fields/compound-kinds.js";
import { required } from "../../fields/field.js";
import type { ValueOf } from "../../fields/kind.js";
import { mapping } from "../../fields/mapping.js";
import { anyText, choice, fileName } from "../../fields/plain-kinds.js";

const logFormat = required(choice("ForMachine", "ForHuman"), "JSON, or lines for people", { as: "format" });

const section = alternatives(
  "logMode",
  {
    FileMode: mapping({
      logRoot: required(fileName("directory"), "the directory with one subdirectory for each node"),
      logFormat,
    }),
    JournalMode: mapping({
      logRoot: required(anyText(), "not used, and may be empty"),
      logFormat,
    }),
  },
  {
    as: "mode",
    otherwise: "a mapping of logRoot, logMode, logFormat",
    doc: "files, or systemd's journal",
  },
);

export const logging = list(section, "sections", { leastOne: "section" });

/** `logRoot` is absolute, resolved against the working directory; in JournalMode any text. */
type LoggingSection = ValueOf<typeof section>;

/** The index of the first section like this one. */
export function sameSection(
  sections: readonly LoggingSection[],
  { logRoot, mode, format }: LoggingSection,
): number {
  return sections.findIndex(
    (other) => other.logRoot === logRoot && other.mode === mode && other.format === format,
  );
}
