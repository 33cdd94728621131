import { readerOf, readTls, type TlsFiles } from "../credential-files.js";
import { SinkOpenError } from "../sink.js";
import type { Credentials } from "./collector.js";

export interface CredentialFiles extends TlsFiles {
  readonly headers: Readonly<Record<string, string>>;
  readonly headersFile?: string | undefined;
}

/** Reads a sink's credentials from their files. @throws Error that names the file */
export async function readCredentials(
  files: CredentialFiles,
  readFile: (file: string) => Promise<string>,
): Promise<Credentials> {
  const field = "muninn.sinks";
  const read = readerOf(field, readFile);
  const text = await read(files.headersFile);
  return {
    headers: { ...files.headers, ...(text === undefined ? {} : headersIn(text, files.headersFile!)) },
    ...(await readTls(field, files, read)),
  };
}

/** One `Name: value` per line; empty lines and those that begin with `#` are ignored. */
function headersIn(text: string, file: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const parts = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e]*)$/.exec(line);
    // The error does not quote the line, which may be a secret.
    if (parts === null)
      throw new SinkOpenError(
        "muninn.sinks",
        `${file} has no header in line ${index + 1}; it must be Name: value`,
      );
    headers[parts[1]!.toLowerCase()] = parts[2]!.trimEnd();
  }
  return headers;
}
