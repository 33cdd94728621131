/** The form of a log file's name; nothing else below a root is ever touched. */
const form = /^node-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)\.(json|log)$/;

/** `node-2026-02-16T09-30-01.json` for a second since 1970, in UTC: such names sort by time. */
export function logFileName(second: number, extension: string): string {
  const time = new Date(second * 1_000).toISOString().slice(0, 19).replaceAll(":", "-");
  return `node-${time}.${extension}`;
}

/** The second since 1970 in a log file's name; undefined for a name of another form or with an impossible time. */
export function secondInName(name: string, extension: string): number | undefined {
  const parts = form.exec(name);
  if (parts === null || parts[5] !== extension) return undefined;
  const second = Date.parse(`${parts[1]}T${parts[2]}:${parts[3]}:${parts[4]}Z`) / 1_000;
  // The 30th of February is taken by some parsers for the 2nd of March.
  return Number.isNaN(second) || logFileName(second, extension) !== name ? undefined : second;
}

/** The names of log files among `names`, oldest first. */
export function logFilesAmong(names: readonly string[], extension: string): string[] {
  return names.filter((name) => secondInName(name, extension) !== undefined).sort();
}

/** The link to the current file. */
export function linkName(extension: string): string {
  return `node.${extension}`;
}
