import { crowdedPem, mostAuthorities, mostInChain } from "../text/crowded-pem.js";
import { SinkOpenError } from "./sink.js";

/** PEM files of sinks that connect over TLS. */
export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly certificateKeyFile?: string | undefined;
}

/** The PEM texts that `node:tls` needs. */
interface TlsPem {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Reads a file, if one is named. @throws SinkOpenError that names it */
export type ReadIfNamed = (file: string | undefined) => Promise<string | undefined>;

/** Reads the files of a sink's credentials with `readFile`; `field` is the one that names them. */
export function readerOf(field: string, readFile: (file: string) => Promise<string>): ReadIfNamed {
  return async (file) => {
    if (file === undefined) return undefined;
    try {
      return await readFile(file);
    } catch (cause) {
      throw new SinkOpenError(field, `${file} ${(cause as Error).message}`, { cause });
    }
  };
}

export async function readTls(field: string, files: TlsFiles, read: ReadIfNamed): Promise<TlsPem> {
  const { caFile, certificateFile, certificateKeyFile } = files;
  const certificates = async (file: string | undefined, most: number) => {
    const pem = await read(file);
    const crowded = pem === undefined ? undefined : crowdedPem([pem], most);
    if (crowded !== undefined) throw new SinkOpenError(field, `${file} ${crowded}`);
    return pem;
  };
  const ca = await certificates(caFile, mostAuthorities);
  const cert = await certificates(certificateFile, mostInChain);
  const key = await read(certificateKeyFile);
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/** Why credentials cannot be read: a sentence to follow the name of the sink. */
export async function whyUnreadable(reading: Promise<unknown>): Promise<string | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (!(error instanceof SinkOpenError)) throw error;
    return error.fault.message;
  }
}
