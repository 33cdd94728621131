import { whyUnreadable } from "../credential-files.js";
import type { CredentialFiles } from "./credentials.js";

/** What keeps a sink's credentials from being read: a sentence to follow the name of the sink. */
export async function missingForOtlp(
  files: CredentialFiles,
  readFile: (file: string) => Promise<string>,
): Promise<string | undefined> {
  const { readCredentials } = await import("./credentials.js");
  return whyUnreadable(readCredentials(files, readFile));
}
