import { X509Certificate } from "node:crypto";
import type { FieldPath } from "../fields/kind.js";
import type { FieldIssue } from "../fields/mapping.js";
import { crowdedPem, mostAuthorities } from "../text/crowded-pem.js";
import { CertificateError, readCertificate } from "./certificate.js";
import type { LinkConfig } from "./groups/links.js";
import { FileError, readSmallFile } from "./small-file.js";

/** Guessing a token of this length takes far too long. */
const leastTokenLength = 16;

/** A peer with this token or certificate may use these names of nodes. */
type Rule = { readonly nodes: readonly string[] } & (
  | { readonly token: string }
  | { readonly subject: Readonly<Record<string, string>> }
);

/** The contents of a link's files, as PEM. */
export interface LinkCredentials {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly clientCa?: string;
  readonly serverName?: string;
  readonly token?: string;
  readonly access: "anyone" | readonly Rule[];
}

/** The fields of a link whose files are read; file names are absolute, or relative to the working directory. */
interface LinkFiles {
  readonly tls?: { readonly [Name in keyof NonNullable<LinkConfig["tls"]>]: string | undefined } | undefined;
  readonly access?: LinkConfig["access"] | undefined;
  readonly tokenFile?: string | undefined;
}

/**
 * Reads the certificates and tokens of a link, and makes sure that they can be used; `field` is the link's.
 * @throws CertificateError
 */
export async function readLinkCredentials(link: LinkFiles, field: FieldPath): Promise<LinkCredentials> {
  const { tls = {}, access = "anyone", tokenFile } = link;
  const issues: FieldIssue[] = [];
  const attempt = async <Value>(path: FieldPath, reading: Promise<Value>): Promise<Value | undefined> => {
    try {
      return await reading;
    } catch (error) {
      if (error instanceof CertificateError) issues.push(...error.problems);
      else if (error instanceof FileError) issues.push({ path: [...field, ...path], message: error.message });
      else throw error;
      return undefined;
    }
  };
  const authority = async (name: "caFile" | "clientCaFile") =>
    tls[name] === undefined ? undefined : attempt(["tls", name], readAuthority(tls[name]));
  const { certificateFile, certificateKeyFile } = tls;
  const own =
    certificateFile === undefined || certificateKeyFile === undefined
      ? {}
      : await attempt(
          [],
          readCertificate({ certificateFile, certificateKeyFile, certificateChain: [] }, [...field, "tls"]),
        );
  const ca = await authority("caFile");
  const clientCa = await authority("clientCaFile");
  const token = tokenFile === undefined ? undefined : await attempt(["tokenFile"], readToken(tokenFile));
  const rules: Rule[] = [];
  for (const [index, { tokenFile, subject, nodes }] of (access === "anyone" ? [] : access).entries()) {
    const path = ["access", index, "tokenFile"];
    const token = tokenFile === undefined ? undefined : await attempt(path, readToken(tokenFile));
    if (token !== undefined) rules.push({ token, nodes });
    if (subject !== undefined) rules.push({ subject, nodes });
  }
  if (issues.length > 0) throw new CertificateError(issues);
  return {
    ...own,
    ...(ca !== undefined && { ca }),
    ...(clientCa !== undefined && { clientCa }),
    ...(tls.serverName !== undefined && { serverName: tls.serverName }),
    ...(token !== undefined && { token }),
    access: access === "anyone" ? access : rules,
  };
}

/** The first line of a file. @throws FileError */
async function readToken(file: string): Promise<string> {
  const [first = ""] = (await named(file)).split(/\r?\n/, 1);
  const token = first.trim();
  if (!/^[\x21-\x7e]*$/.test(token) || token.length < leastTokenLength) {
    throw new FileError(
      "unreadable",
      `${file} has no token in its first line; it must be at least ${leastTokenLength} visible characters of ASCII, such as \`muninn token\` makes`,
    );
  }
  return token;
}

/** Certificates of authorities, one after the other. @throws FileError */
async function readAuthority(file: string): Promise<string> {
  const pem = await named(file);
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new FileError("unreadable", `${file} has no certificate in PEM format that can be used`, { cause });
  }
  const crowded = crowdedPem([pem], mostAuthorities);
  if (crowded !== undefined) throw new FileError("too-large", `${file} ${crowded}`);
  return pem;
}

async function named(file: string): Promise<string> {
  try {
    return await readSmallFile(file);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    throw new FileError(cause.code, `${file} ${cause.message}`, { cause });
  }
}
