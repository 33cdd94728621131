import type { FieldIssue } from "../fields/mapping.js";
import { journalRemark, missingForJournal } from "../sinks/journal/prerequisite.js";
import { missingForSink } from "../sinks/sink-options.js";
import type { Values } from "./config.js";
import { readSmallFile } from "./small-file.js";

/**
 * Checks what a log mode needs from the machine, such as a library or a socket: resolves to a sentence that says what is
 * missing and what to do, to follow the name of the field. Ports and disks are not checked here (`muninn check --here`
 * does that).
 */
type Prerequisite = () => Promise<string | undefined>;

type LogMode = Values["logging"][number]["mode"];

/** The modes that have needs; the sink's own file says which. */
const ofMode: Partial<Record<LogMode, Prerequisite>> = { JournalMode: missingForJournal };

/** Advice for users of a mode about what Muninn cannot check itself. */
const remarkOn: Partial<Record<LogMode, string>> = { JournalMode: journalRemark };

/** What the machine lacks for this configuration: `run` and `check` both refuse it then. */
export async function missingPrerequisites({
  logging,
  muninn,
}: Pick<Values, "logging" | "muninn">): Promise<FieldIssue[]> {
  const issues = [
    ...logging.map(async ({ mode }, index) => atMode(index, await ofMode[mode]?.())),
    ...muninn.sinks.map(async (sink, index) => {
      const message = await missingForSink(sink, readSmallFile);
      return message === undefined ? [] : [{ path: ["muninn", "sinks", index], message }];
    }),
  ];
  return (await Promise.all(issues)).flat();
}

/** What `check` warns about. */
export function modeRemarks({ logging }: Pick<Values, "logging">): FieldIssue[] {
  return logging.flatMap(({ mode }, index) => atMode(index, remarkOn[mode]));
}

function atMode(index: number, message: string | undefined): FieldIssue[] {
  return message === undefined ? [] : [{ path: ["logging", index, "logMode"], message }];
}
