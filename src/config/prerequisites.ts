import type { FieldIssue } from "../fields/mapping.js";
import { journalRemark, missingForJournal } from "../sinks/journal/prerequisite.js";
import { missingForNats } from "../sinks/nats/prerequisite.js";
import { missingForOtlp } from "../sinks/otlp/prerequisite.js";
import type { Values } from "./config.js";
import { readSmallFile } from "./small-file.js";

/**
 * What a log mode needs of the machine, such as a library or a socket: resolves to a sentence that says what is missing
 * and what to do, to follow the name of the field. What only a running tracer can have or lose, a port or a
 * disk, is not checked here (`muninn check --here` does that).
 */
type Prerequisite = () => Promise<string | undefined>;

type LogMode = Values["logging"][number]["mode"];

/** The modes that need something; a sink's own file says what. */
const ofMode: Partial<Record<LogMode, Prerequisite>> = { JournalMode: missingForJournal };

/** What people should know who use a mode, and Muninn cannot find out by itself. */
const remarkOn: Partial<Record<LogMode, string>> = { JournalMode: journalRemark };

/** What the machine lacks for what is asked of it: `run` and `check` both refuse then. */
export async function missingPrerequisites({
  logging,
  muninn,
}: Pick<Values, "logging" | "muninn">): Promise<FieldIssue[]> {
  const issues = [
    ...logging.map(async ({ mode }, index) => atMode(index, await ofMode[mode]?.())),
    ...muninn.sinks.map(async (sink, index) => {
      const message = await missingForSink(sink);
      return message === undefined ? [] : [{ path: ["muninn", "sinks", index], message }];
    }),
  ];
  return (await Promise.all(issues)).flat();
}

function missingForSink(sink: Values["muninn"]["sinks"][number]): Promise<string | undefined> {
  return sink.kind === "nats" ? missingForNats(sink, readSmallFile) : missingForOtlp(sink, readSmallFile);
}

/** What `check` warns of. */
export function modeRemarks({ logging }: Pick<Values, "logging">): FieldIssue[] {
  return logging.flatMap(({ mode }, index) => atMode(index, remarkOn[mode]));
}

function atMode(index: number, message: string | undefined): FieldIssue[] {
  return message === undefined ? [] : [{ path: ["logging", index, "logMode"], message }];
}
