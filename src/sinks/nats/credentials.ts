import type { Authenticator, TlsOptions } from "@nats-io/transport-node";
import { type ReadIfNamed, readerOf, readTls } from "../credential-files.js";
import { SinkOpenError } from "../sink.js";
import type { NatsCredentialOptions } from "./options.js";

/** Credentials for opening a connection. */
export interface NatsCredentials {
  readonly authenticator?: Authenticator;
  /** Absent: TLS if the server wants it, with the system's certificates. */
  readonly tls?: TlsOptions;
}

/** Reads the files of credentials; `field` is the one that names them. @throws SinkOpenError that names the file */
export async function readNatsCredentials(
  field: string,
  options: NatsCredentialOptions,
  servers: readonly string[],
  readFile: (file: string) => Promise<string>,
): Promise<NatsCredentials> {
  const read = readerOf(field, readFile);
  const authenticator = await authenticatorOf(field, options, read);
  const tls = await readTls(field, options, read);
  const wantsTls =
    tls.ca !== undefined || tls.cert !== undefined || servers.some((url) => url.startsWith("tls:"));
  return { ...(authenticator !== undefined && { authenticator }), ...(wantsTls && { tls }) };
}

async function authenticatorOf(
  field: string,
  { user, password, token, credentialsFile, nkeyFile }: NatsCredentialOptions,
  read: ReadIfNamed,
): Promise<Authenticator | undefined> {
  const { credsAuthenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } =
    await import("@nats-io/transport-node");
  const encoder = new TextEncoder();
  if (user !== undefined) return usernamePasswordAuthenticator(user, password!);
  if (token !== undefined) return tokenAuthenticator(token);
  const credentials = await read(credentialsFile);
  if (credentials !== undefined) {
    if (!credentials.includes("NATS USER JWT"))
      throw new SinkOpenError(
        field,
        `${credentialsFile} holds no credentials; it must have a user's JWT and its key`,
      );
    return credsAuthenticator(encoder.encode(credentials));
  }
  const text = await read(nkeyFile);
  if (text === undefined) return undefined;
  const seed = /^\s*(SU[A-Z2-7]{56})\s*$/m.exec(text)?.[1];
  if (seed === undefined)
    throw new SinkOpenError(field, `${nkeyFile} holds no seed of a user's nkey; it begins with SU`);
  return nkeyAuthenticator(encoder.encode(seed));
}
