import type { FileSystem } from "./file-system.js";
import type { OpenedFile } from "./log-directory.js";

const lineFeed = 0x0a;
/** A last line longer than this counts as torn without being read: nearly all objects are below 100 KB, and anybody may have left such lines. */
const longestLineBytes = 1_024 * 1_024;
const stepBytes = 64 * 1_024;

/**
 * Ends the last line of a file whose writer did not, and resolves with whether that line was torn: its writer was killed in
 * the middle of it. The files of cardano-tracer end without a line feed although their last line is whole. So a line of JSON
 * that leaves no bracket and no quote open is whole. Text for people shows nothing either way, so a `.log` file counts as
 * one of cardano-tracer's, and as whole, if it begins with a line feed, as all of those do.
 */
export async function endLastLine(fileSystem: FileSystem, { fd, file }: OpenedFile): Promise<boolean> {
  if (file.size === 0) return false;
  const [last] = await fileSystem.read(fd, 1, file.size - 1);
  if (last === lineFeed) return false;
  const isWhole = file.name.endsWith(".json")
    ? await isLastLineWhole(fileSystem, fd, file.size)
    : (await fileSystem.read(fd, 1, 0))[0] === lineFeed;
  file.size += await fileSystem.write(fd, [Uint8Array.of(lineFeed)]);
  return !isWhole;
}

/** False if it is too long to be read. It is never held as a whole: thousands of nodes may connect at the same time. */
async function isLastLineWhole(fileSystem: FileSystem, fd: number, size: number): Promise<boolean> {
  for (let end = size; size - end < longestLineBytes; end -= stepBytes) {
    const start = Math.max(0, end - stepBytes);
    const part = await fileSystem.read(fd, end - start, start);
    const lineStart = part.lastIndexOf(lineFeed) + 1;
    if (lineStart === 0 && start > 0) continue;
    const brackets = new Brackets();
    brackets.push(part.subarray(lineStart));
    for (let at = end; at < size; at += stepBytes) {
      brackets.push(await fileSystem.read(fd, Math.min(stepBytes, size - at), at));
    }
    return brackets.isWhole;
  }
  return false;
}

/** Follows the brackets and quotes of a value in JSON: one that was cut off has left some open. */
class Brackets {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #hasBegun = false;
  #hasMore = false;

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (this.#isInString) this.#inString(byte);
      else if (byte !== space && byte !== tab && byte !== carriageReturn) this.#outside(byte);
    }
  }

  /** Whether this was one value, from its first byte to its last. */
  get isWhole(): boolean {
    return this.#hasBegun && !this.#isInString && this.#depth === 0 && !this.#hasMore;
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInString = false;
  }

  #outside(byte: number): void {
    if (this.#hasBegun && this.#depth === 0) this.#hasMore = true;
    this.#hasBegun = true;
    if (byte === quote) this.#isInString = true;
    else if (byte === openingBrace || byte === openingBracket) this.#depth += 1;
    else if (byte === closingBrace || byte === closingBracket) this.#depth -= 1;
  }
}

const [space, tab, carriageReturn] = [0x20, 0x09, 0x0d];
const [quote, backslash] = [0x22, 0x5c];
const [openingBrace, closingBrace] = [0x7b, 0x7d];
const [openingBracket, closingBracket] = [0x5b, 0x5d];
