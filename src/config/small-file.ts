import { open } from "node:fs/promises";

/** Why a file that a configuration needs could not be taken. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: "unreadable" | "too-large";

  constructor(code: FileError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Far more than any such file has; a longer one is a mistake, such as a log. */
const maxBytes = 4 * 1024 * 1024;

/**
 * Reads a whole file of UTF-8 text; it may be a pipe (`<(…)` of a shell).
 *
 * @throws FileError
 */
export async function readSmallFile(file: string): Promise<string> {
  const bytes = await readBytes(file);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileError("unreadable", "is not text in UTF-8", { cause });
  }
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file);
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

function reason(cause: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: "permission denied",
    EISDIR: "it is a directory",
    ENOENT: "no such file",
    ENOTDIR: "a part of its path is not a directory",
  };
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}
