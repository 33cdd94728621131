import { readSmallFile } from "../config/small-file.js";
import { TailError } from "./tail-error.js";

const tokenForm = /^[\x21-\x7e]{16,}$/;

/**
 * The token in a file, which is its first line; undefined if no file is given.
 * @throws TailError
 */
export async function bearerToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = await readSmallFile(file);
  } catch (error) {
    throw new TailError("usage", `--token-file: ${file} ${(error as Error).message}`);
  }
  const [first = ""] = text.split("\n");
  if (tokenForm.test(first.trim())) return first.trim();
  throw new TailError(
    "usage",
    `--token-file: the first line of ${file} is not a token: at least 16 visible characters`,
  );
}
