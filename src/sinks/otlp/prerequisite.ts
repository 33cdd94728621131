import { SinkOpenError } from "../sink.js";
import type { CredentialFiles } from "./credentials.js";

/** What keeps a sink's credentials from being read: a sentence as it stands after the name of the sink. */
export async function missingForOtlp(
  files: CredentialFiles,
  readFile: (file: string) => Promise<string>,
): Promise<string | undefined> {
  const { readCredentials } = await import("./credentials.js");
  try {
    await readCredentials(files, readFile);
    return undefined;
  } catch (error) {
    if (!(error instanceof SinkOpenError)) throw error;
    return error.fault.message;
  }
}
