import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { TlsCertificate } from "../config/config.js";
import { HttpError, type HttpFault } from "./http-faults.js";

/** What `node:https` takes, as PEM. */
export interface TlsMaterial {
  /** The certificate followed by its chain. */
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads certificate, key and chain and makes sure that they can be served together.
 *
 * @throws HttpError naming the field and the file that is missing or wrong.
 */
export async function readCertificates(certificate: TlsCertificate): Promise<TlsMaterial> {
  const certificateFile = { field: "tlsCertificate.certificateFile", file: certificate.certificateFile };
  const keyFile = { field: "tlsCertificate.certificateKeyFile", file: certificate.certificateKeyFile };
  const chainFiles = certificate.certificateChain.map((file, index) => ({
    field: `tlsCertificate.certificateChain[${index}]`,
    file,
  }));

  const cert = await readPem(certificateFile);
  const key = await readPem(keyFile);
  const chain = await Promise.all(chainFiles.map(readPem));

  const leaf = attempt(certificateFile, "certificate-invalid", () => new X509Certificate(cert));
  const privateKey: KeyObject = attempt(keyFile, "certificate-invalid", () => createPrivateKey(key));
  for (const [index, file] of chainFiles.entries()) {
    attempt(file, "certificate-invalid", () => new X509Certificate(chain[index]!));
  }
  if (!leaf.checkPrivateKey(privateKey))
    throw new HttpError({ code: "certificate-key-mismatch", ...keyFile });

  const material = { cert: [cert, ...chain].map((pem) => pem.trimEnd()).join("\n"), key };
  // OpenSSL has rules of its own, such as a least key size.
  attempt(certificateFile, "certificate-invalid", () => createSecureContext(material));
  return material;
}

interface NamedFile {
  readonly field: string;
  readonly file: string;
}

async function readPem(named: NamedFile): Promise<string> {
  try {
    return await readFile(named.file, "utf8");
  } catch (cause) {
    throw new HttpError({ code: "certificate-unreadable", ...named }, { cause });
  }
}

function attempt<T>(named: NamedFile, code: Extract<HttpFault, NamedFile>["code"], action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new HttpError({ code, ...named }, { cause });
  }
}
