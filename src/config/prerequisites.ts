import type { FieldIssue } from "../fields/mapping.js";
import type { Values } from "./config.js";

/**
 * What a log mode needs of the machine, such as a library or a socket: resolves to a sentence that says what is missing
 * and what to do, as it stands after the name of the field. What only a running tracer can have or lose, a port or a
 * disk, is not for here (`muninn check --here` looks at that).
 */
type Prerequisite = () => Promise<string | undefined>;

/** The modes that need something; a sink's own file tells what. */
const ofMode: Partial<Record<Values["logging"][number]["mode"], Prerequisite>> = {};

/** What the machine lacks for what is asked of it: `run` and `check` both refuse then. */
export async function missingPrerequisites({ logging = [] }: Partial<Values>): Promise<FieldIssue[]> {
  const issues = logging.map(async ({ mode }, index): Promise<FieldIssue[]> => {
    const message = await ofMode[mode]?.();
    return message === undefined ? [] : [{ path: ["logging", index, "logMode"], message }];
  });
  return (await Promise.all(issues)).flat();
}
