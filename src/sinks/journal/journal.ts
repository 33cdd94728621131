import type { SinkKind } from "../sink-kind.js";
import { JournalSink } from "./journal-sink.js";
import { loadLibc } from "./libc.js";
import { journalSocketPath } from "./prerequisite.js";
import { type RateLimitPlaces, readRateLimit } from "./rate-limit.js";

/** A section of `logging`. */
interface Section {
  readonly mode: "FileMode" | "JournalMode";
  readonly format: "ForMachine" | "ForHuman";
}

export interface JournalConfig {
  readonly logging: readonly Section[];
}

/** Paths on a machine with systemd; tests use others. */
interface JournalPlaces extends RateLimitPlaces {
  readonly socketPath: string;
}

/** The journal of systemd: one sink for each `logging` section of mode `JournalMode`. */
export function journalAt(places: JournalPlaces): SinkKind<JournalConfig> {
  const { socketPath } = places;
  return {
    kind: "journal",
    open: async ({ logging }, { log }) => {
      const sections = logging.filter(({ mode }) => mode === "JournalMode");
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

export const journal = journalAt({ socketPath: journalSocketPath });
