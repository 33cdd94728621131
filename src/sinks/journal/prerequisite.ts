import { stat } from "node:fs/promises";
import { LibcMissing, loadLibc } from "./libc.js";

/** journald's datagram socket on a machine with systemd. */
export const journalSocketPath = "/run/systemd/journal/socket";

/** Advice about a limit that a sender cannot check itself. */
export const journalRemark =
  "journald silently drops what a unit sends above its rate limit (10,000 entries in 30 s, more on a large disk); " +
  "LogRateLimitIntervalSec=1s and LogRateLimitBurst=1000000000 in the unit lift it, as config/muninn.service does";

/** What this machine lacks for JournalMode, and what to do about it, in a sentence. */
export async function missingForJournal(socketPath = journalSocketPath): Promise<string | undefined> {
  return (await missingLibrary()) ?? (await missingSocket(socketPath));
}

async function missingLibrary(): Promise<string | undefined> {
  try {
    await loadLibc();
    return undefined;
  } catch (error) {
    if (!(error instanceof LibcMissing)) throw error;
    return `is JournalMode, which ${error.message}`;
  }
}

async function missingSocket(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isSocket()) return undefined;
  return (
    `is JournalMode, which needs systemd-journald, whose socket ${path} is not here: install systemd, ` +
    "mount the socket into the container, or use FileMode"
  );
}
