import { whyUnreadable } from "../credential-files.js";
import type { NatsCredentialOptions } from "./options.js";

/** Why a sink's credentials cannot be read: a sentence to follow the name of the sink. */
export async function missingForNats(
  options: NatsCredentialOptions & { readonly servers: readonly string[] },
  readFile: (file: string) => Promise<string>,
): Promise<string | undefined> {
  const { readNatsCredentials } = await import("./credentials.js");
  return whyUnreadable(readNatsCredentials("muninn.sinks", options, options.servers, readFile));
}
