/** The form of a log file's name; other files below a root are never touched. */
const form = /^node-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)\.(json|log)$/;

/**
 * Names of this second and later, on the last day of the year 9999, are a mistake: soon no name could follow them. A log
 * neither continues in such a file nor sorts after it.
 */
export const lastFollowedSecond = Date.parse("9999-12-31T00:00:00Z") / 1_000;
const firstNotFollowed = "node-9999-12-31T";

/** How far names may run ahead of the clock, if a log is made to rotate several times a second. */
const slackSeconds = 60;

/** `node-2026-02-16T09-30-01.json` for a second since 1970, in UTC: such names sort by time. */
export function logFileName(second: number, extension: string): string {
  const time = new Date(second * 1_000).toISOString().slice(0, 19).replaceAll(":", "-");
  return `node-${time}.${extension}`;
}

/** The second since 1970 in a log file's name; undefined for a name of another form or with an impossible time. */
export function secondInName(name: string, extension: string): number | undefined {
  const parts = form.exec(name);
  if (parts === null || parts[5] !== extension) return undefined;
  const time = new Date(`${parts[1]}T${parts[2]}:${parts[3]}:${parts[4]}Z`);
  // The 30th of February is taken by some parsers for the 2nd of March, and hour 24 for the next day.
  return time.getUTCDate() === Number(parts[1]!.slice(-2)) ? time.getTime() / 1_000 : undefined;
}

/** The names of log files among `names`, oldest first. */
export function logFilesAmong(names: readonly string[], extension: string): string[] {
  return names.filter((name) => secondInName(name, extension) !== undefined).sort();
}

/** The newest of the log files among `names`: the one a log continues in, or the next one sorts after. */
export function newestAmong(names: readonly string[], extension: string): string | undefined {
  return names.filter(newerThanBefore(extension)).at(-1);
}

/** Whether a name is that of a log file, and newer than all that were asked about before. */
export function newerThanBefore(extension: string): (name: string) => boolean {
  let newest = "";
  return (name) => {
    // To check a name takes a hundred times longer than to compare it, and there may be a hundred thousand.
    if (name <= newest || name >= firstNotFollowed) return false;
    if (secondInName(name, extension) === undefined) return false;
    newest = name;
    return true;
  };
}

/**
 * The second for the name of a new file: now, or the second after the newest existing file, so that names sort in the
 * order written. A name that was used and moved away is not used again, but does not keep the date wrong: once no file
 * from the future is left, names show the true time again.
 *
 * @param last the name of the previous file, existing or not
 */
export function secondForNew(
  names: readonly string[],
  extension: string,
  nowMs: number,
  last: string | undefined,
): number {
  const now = Math.floor(nowMs / 1_000);
  const secondOf = (name: string | undefined) =>
    name === undefined ? Number.NEGATIVE_INFINITY : secondInName(name, extension)!;
  const newest = secondOf(newestAmong(names, extension));
  const used = secondOf(last);
  const counts = newest > now || used <= now + slackSeconds;
  const after = Math.max(newest, counts ? used : Number.NEGATIVE_INFINITY) + 1;
  return after < lastFollowedSecond ? Math.max(now, after) : now;
}

/** The link to the current file. */
export function linkName(extension: string): string {
  return `node.${extension}`;
}
