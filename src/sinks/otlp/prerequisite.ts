import { whyUnreadable } from "../credential-files.js";
import type { CredentialFiles } from "./credentials.js";

/** Why a sink's credentials cannot be read: a sentence that follows the sink's name. */
export async function missingForOtlp(
  files: CredentialFiles,
  readFile: (file: string) => Promise<string>,
): Promise<string | undefined> {
  const { readCredentials } = await import("./credentials.js");
  return whyUnreadable(readCredentials(files, readFile));
}
