import { realpath } from "node:fs/promises";
import type { SinkKind } from "../sink-kind.js";
import { FileSink } from "./file-sink.js";
import type { HumanLayout } from "./human-lines.js";

/** A section of `logging`. */
interface Section {
  /** Absolute. */
  readonly logRoot: string;
  readonly mode: "FileMode" | "JournalMode";
  readonly format: "ForMachine" | "ForHuman";
}

export interface FilesConfig {
  readonly logging: readonly Section[];
  readonly muninn: { readonly humanLayout: HumanLayout };
}

/** Log files: one sink for each `logging` section of mode `FileMode`. */
export const files: SinkKind<FilesConfig> = {
  kind: "files",
  open: async ({ logging, muninn: { humanLayout } }, { registry }) => {
    const sections = await distinctSections(logging.filter(({ mode }) => mode === "FileMode"));
    return sections.map(({ logRoot, format }) => new FileSink({ logRoot, format, humanLayout, registry }));
  },
};

/** Two sections may name the same `logRoot` differently; with the same format they would write each line twice. */
async function distinctSections(logging: readonly Section[]): Promise<Section[]> {
  const sections = new Map<string, Section>();
  for (const section of logging) {
    const place = `${section.format} ${await realpath(section.logRoot)}`;
    if (!sections.has(place)) sections.set(place, section);
  }
  return [...sections.values()];
}
