import { readerOf, readTls, type TlsFiles } from "../credential-files.js";
import { SinkOpenError } from "../sink.js";
import type { Credentials } from "./collector.js";

export interface CredentialFiles extends TlsFiles {
  readonly headers: Readonly<Record<string, string>>;
  readonly headersFile?: string | undefined;
}

/** Reads what files hold of a sink's credentials. @throws Error that names the file */
export async function readCredentials(
  files: CredentialFiles,
  readFile: (file: string) => Promise<string>,
): Promise<Credentials> {
  const read = readerOf("muninn.sinks", readFile);
  const text = await read(files.headersFile);
  return {
    headers: { ...files.headers, ...(text === undefined ? {} : headersIn(text, files.headersFile!)) },
    ...(await readTls(files, read)),
  };
}

/** `Name: value` a line; empty lines and those that begin with `#` say nothing. */
function headersIn(text: string, file: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const parts = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e]*)$/.exec(line);
    // The line itself may be a secret.
    if (parts === null)
      throw new SinkOpenError(
        "muninn.sinks",
        `${file} has no header in line ${index + 1}; it must be Name: value`,
      );
    headers[parts[1]!.toLowerCase()] = parts[2]!.trimEnd();
  }
  return headers;
}
