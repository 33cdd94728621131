import { stat } from "node:fs/promises";
import type { SinkKind } from "../sink-kind.js";
import { JournalSink } from "./journal-sink.js";
import { LibcMissing, loadLibc } from "./libc.js";
import { type RateLimitPlaces, readRateLimit } from "./rate-limit.js";

/** A section of `logging`. */
interface Section {
  readonly mode: "FileMode" | "JournalMode";
  readonly format: "ForMachine" | "ForHuman";
}

export interface JournalConfig {
  readonly logging: readonly Section[];
}

/** Where things are on a machine with systemd; a test has them elsewhere. */
interface JournalPlaces extends RateLimitPlaces {
  readonly socketPath: string;
}

/** The journal of systemd: one sink for each `logging` section of mode `JournalMode`, all in one journal. */
export function journalAt(places: JournalPlaces): SinkKind<JournalConfig> {
  const { socketPath } = places;
  return {
    kind: "journal",
    missing: async ({ logging }) => {
      const section = logging.findIndex(isJournal);
      if (section === -1) return [];
      const message = (await missingLibrary()) ?? (await missingSocket(socketPath));
      return message === undefined ? [] : [{ field: `logging[${section}].logMode`, message }];
    },
    remarks: ({ logging }) =>
      logging.flatMap((section, index) =>
        isJournal(section) ? [{ field: `logging[${index}].logMode`, message: rateLimitRemark }] : [],
      ),
    open: async ({ logging }, { log }) => {
      const sections = logging.filter(isJournal);
      if (sections.length === 0) return [];
      const [libc, rateLimit] = await Promise.all([loadLibc(), readRateLimit(places)]);
      if (rateLimit !== undefined) {
        const { unit, entries, intervalMs } = rateLimit;
        log.warning(
          "journal_rate_limited",
          `journald silently drops what ${unit} sends above about ${entries} entries in ${intervalMs / 1_000} s; ` +
            "LogRateLimitIntervalSec=1s and LogRateLimitBurst=1000000000 in the unit lift that",
          { ...rateLimit },
        );
      }
      return sections.map(({ format }, index) => {
        const same = sections.slice(0, index).filter((other) => other.format === format).length;
        const name = `journal:${format}${same === 0 ? "" : `:${same + 1}`}`;
        return new JournalSink({ name, format, socketPath, libc, rateLimit });
      });
    },
  };
}

export const journal = journalAt({ socketPath: "/run/systemd/journal/socket" });

const rateLimitRemark =
  "journald silently drops what a unit sends above its rate limit (10,000 entries in 30 s, more on a large disk); " +
  "LogRateLimitIntervalSec=1s and LogRateLimitBurst=1000000000 in the unit lift it, as config/muninn.service does";

function isJournal({ mode }: Section): boolean {
  return mode === "JournalMode";
}

async function missingLibrary(): Promise<string | undefined> {
  try {
    await loadLibc();
    return undefined;
  } catch (error) {
    if (!(error instanceof LibcMissing)) throw error;
    return `JournalMode ${error.message}`;
  }
}

async function missingSocket(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isSocket()) return undefined;
  return (
    `JournalMode needs systemd-journald, whose socket ${path} is not here: install systemd, ` +
    "mount the socket into the container, or use FileMode"
  );
}
