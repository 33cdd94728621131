import { SinkOpenError } from "../sink.js";
import type { Credentials } from "./collector.js";

export interface CredentialFiles {
  readonly headers: Readonly<Record<string, string>>;
  readonly headersFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly certificateKeyFile?: string | undefined;
}

/** Reads what files hold of a sink's credentials. @throws Error that names the file */
export async function readCredentials(
  files: CredentialFiles,
  readFile: (file: string) => Promise<string>,
): Promise<Credentials> {
  const read = async (file: string | undefined) => {
    if (file === undefined) return undefined;
    try {
      return await readFile(file);
    } catch (cause) {
      throw new SinkOpenError("muninn.sinks", `${file} ${(cause as Error).message}`, { cause });
    }
  };
  const [text, ca, cert, key] = [
    await read(files.headersFile),
    await read(files.caFile),
    await read(files.certificateFile),
    await read(files.certificateKeyFile),
  ];
  return {
    headers: { ...files.headers, ...(text === undefined ? {} : headersIn(text, files.headersFile!)) },
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
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
