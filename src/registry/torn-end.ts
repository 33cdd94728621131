import type { FileSystem } from "./file-system.js";
import type { OpenedFile } from "./log-directory.js";

const lineFeed = 0x0a;
/** A last line longer than this counts as torn without being read: objects are 16 MiB at most by default. */
const longestLineBytes = 32 * 1_024 * 1_024;
const stepBytes = 64 * 1_024;

/**
 * Ends the last line of a file whose writer did not, and resolves with whether that line was torn: its writer was killed in
 * the middle of it. The files of cardano-tracer end without a line feed although their last line is whole. So a line that
 * parses as JSON is whole. Text for people shows nothing either way, so a `.log` file counts as one of cardano-tracer's,
 * and as whole, if it begins with a line feed, as all of those do.
 */
export async function endLastLine(fileSystem: FileSystem, { fd, file }: OpenedFile): Promise<boolean> {
  if (file.size === 0) return false;
  const [last] = await fileSystem.read(fd, 1, file.size - 1);
  if (last === lineFeed) return false;
  const isWhole = file.name.endsWith(".json")
    ? isJson(await lastLine(fileSystem, fd, file.size))
    : (await fileSystem.read(fd, 1, 0))[0] === lineFeed;
  file.size += await fileSystem.write(fd, [Uint8Array.of(lineFeed)]);
  return !isWhole;
}

/** The text after the last line feed; empty if it is too long to be read. */
async function lastLine(fileSystem: FileSystem, fd: number, size: number): Promise<string> {
  const parts: Uint8Array[] = [];
  for (let end = size; size - end < longestLineBytes; end -= stepBytes) {
    const start = Math.max(0, end - stepBytes);
    const part = await fileSystem.read(fd, end - start, start);
    const lineStart = part.lastIndexOf(lineFeed) + 1;
    parts.unshift(part.subarray(lineStart));
    if (lineStart > 0 || start === 0) return Buffer.concat(parts).toString();
  }
  return "";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
