import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { settledWithin } from "../base/deadline.js";

/** Reads a whole file of text. @throws FileError */
export type ReadText = (file: string) => Promise<string>;

/** Why a file that a configuration needs cannot be used. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: "unreadable" | "too-large";

  constructor(code: FileError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Far more bytes than any such file has; a longer one is a mistake, such as a log. */
const maxBytes = 4 * 1024 * 1024;

/** Time limit for reading: a dead network file system never answers. */
const deadlineMs = 5_000;

/** Most reads that may hang: each holds a thread of the pool that also writes the logs; by default it has four. */
const maxHanging = 2;

/** Files whose last read has not ended. */
const hanging = new Set<string>();

/**
 * Reads a whole regular file of UTF-8 text. Takes 5 s at most, whatever the file system does.
 *
 * @param openFile replaces the kernel in a test
 * @throws FileError
 */
export async function readSmallFile(file: string, openFile: typeof open = open): Promise<string> {
  if (hanging.has(file) || hanging.size >= maxHanging) {
    const which = hanging.has(file)
      ? "the last read of it"
      : `the last read of ${[...hanging].join(" and ")}`;
    throw new FileError("unreadable", `is not read: ${which} has not ended; check the file system`);
  }
  const bytes = await inTime(file, readBytes(file, openFile));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileError("unreadable", "is not text in UTF-8", { cause });
  }
}

async function inTime(file: string, reading: Promise<Buffer>): Promise<Buffer> {
  if (await settledWithin(reading, deadlineMs)) return reading;
  hanging.add(file);
  const over = () => hanging.delete(file);
  reading.then(over, over);
  const message = `cannot be read: no answer for ${deadlineMs / 1_000} s; check the file system`;
  throw new FileError("unreadable", message);
}

async function readBytes(file: string, openFile: typeof open): Promise<Buffer> {
  try {
    // Opening a pipe would otherwise wait for a writer.
    await using handle = await openFile(file, constants.O_RDONLY | constants.O_NONBLOCK);
    await refuseIrregular(handle);
    const chunks: Buffer[] = [];
    for (let length = 0; length <= maxBytes; ) {
      const { bytesRead, buffer } = await handle.read();
      if (bytesRead === 0) return Buffer.concat(chunks);
      length += bytesRead;
      chunks.push(buffer.subarray(0, bytesRead));
    }
    throw new FileError("too-large", `is longer than ${maxBytes} bytes`);
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    throw new FileError("unreadable", `cannot be read: ${reason(cause)}`, { cause });
  }
}

async function refuseIrregular(handle: FileHandle): Promise<void> {
  const stats = await handle.stat();
  if (stats.isFile()) return;
  const is = stats.isDirectory() ? "a directory" : stats.isFIFO() ? "a pipe" : "a device";
  throw new FileError("unreadable", `cannot be read: it is ${is}; must be a regular file`);
}

function reason(cause: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: "permission denied",
    ENOENT: "no such file",
    ENOTDIR: "a part of its path is not a directory",
    // What Linux reports for a socket, and for a device without hardware.
    ENXIO: "it is a socket or a device; must be a regular file",
  };
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}
