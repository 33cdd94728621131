import { readLines } from "../log-files/line-file.js";
import { withoutObjects } from "./recording-error.js";

/**
 * Refuses a file that holds no lines of a node: nothing in its first mebibyte is a JSON object.
 * @throws RecordingError, and what reading it throws
 */
export async function refuseOtherFiles(file: string): Promise<void> {
  for await (const { bytes, starts, ends } of readLines(file)) {
    for (const [index, start] of starts.entries())
      if (isObject(bytes.toString("utf8", start, ends[index]))) return;
    break;
  }
  throw withoutObjects(file);
}

function isObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
