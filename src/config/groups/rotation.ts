import { converted } from "../../fields/compound-kinds.js";
import { optional, required, withDefault } from "../../fields/field.js";
import { mapping } from "../../fields/mapping.js";
import { wholeNumber } from "../../fields/plain-kinds.js";
import { longestMs } from "../../fields/quantities.js";

const uint32 = 2 ** 32 - 1;
const uint53 = Number.MAX_SAFE_INTEGER;

/** When a log file is full, and when it is deleted. */
export const rotation = converted(
  mapping({
    rpFrequencySecs: withDefault(wholeNumber(1, uint32), 60, "seconds between checks of sizes and ages"),
    rpLogLimitBytes: required(wholeNumber(1, uint53), "size of one file in bytes"),
    rpMaxAgeMinutes: optional(
      wholeNumber(0, uint53),
      "minutes after which a file is deleted; wins over hours",
    ),
    rpMaxAgeHours: withDefault(wholeNumber(0, uint53), 24, "hours after which a file is deleted"),
    rpKeepFilesNum: required(wholeNumber(0, uint32), "how many of the newest files are kept, however old"),
  }),
  (given) => ({
    frequencyMs: Math.min(given.rpFrequencySecs * 1_000, longestMs),
    limitBytes: given.rpLogLimitBytes,
    maxAgeMs: (given.rpMaxAgeMinutes ?? given.rpMaxAgeHours * 60) * 60_000,
    keepFiles: given.rpKeepFilesNum,
  }),
  ({ frequencyMs, limitBytes, maxAgeMs, keepFiles }) => ({
    rpFrequencySecs: frequencyMs / 1_000,
    rpLogLimitBytes: limitBytes,
    ...ageAsWritten(maxAgeMs / 60_000),
    rpKeepFilesNum: keepFiles,
  }),
);

function ageAsWritten(minutes: number) {
  return minutes % 60 === 0
    ? { rpMaxAgeHours: minutes / 60 }
    : { rpMaxAgeMinutes: minutes, rpMaxAgeHours: 24 };
}
