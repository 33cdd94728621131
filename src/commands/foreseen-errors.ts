import { DamagedFileError } from "../log-files/log-file-bytes.js";
import { RecordingError } from "../recording/recording-error.js";
import { visibleLines } from "../text/visible-text.js";
import { AddressError } from "../transport/address.js";
import { TransportError } from "../transport/transport-faults.js";
import { SentError } from "../verification/sent-error.js";
import type { StatusLine } from "./status-line.js";

/** Options that do not fit together, or do not fit what they are used for. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

type ErrorKind = abstract new (...args: never[]) => Error;

const foreseen: readonly ErrorKind[] = [
  UsageError,
  AddressError,
  TransportError,
  RecordingError,
  DamagedFileError,
  SentError,
];

const couldNotBegin = 2;

/**
 * Runs a command. Errors caused by users, files or the machine become one sentence and exit code 2; any other error is ours
 * and is thrown with its stack. `more` are kinds that only this command foresees.
 */
export async function withForeseenErrors(
  command: string,
  status: StatusLine,
  run: () => Promise<number>,
  more: readonly ErrorKind[] = [],
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    status.clear();
    const isForeseen = [...foreseen, ...more].some((kind) => error instanceof kind);
    if (!(isForeseen && error instanceof Error) && !isSystemError(error)) throw error;
    process.stderr.write(`muninn ${command}: ${visibleLines(error.message)}\n`);
    return couldNotBegin;
  }
}

/** Whether the operating system refused something: a missing file, a full disk. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
