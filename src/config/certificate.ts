import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { FieldPath } from "../fields/kind.js";
import { crowdedPem, mostInChain } from "../text/crowded-pem.js";
import type { TlsCertificate } from "./groups/tls-certificate.js";
import { formatField } from "./problem.js";
import { type ReadText, readSmallFile } from "./small-file.js";

/** The PEM texts that `node:https` needs. */
export interface TlsMaterial {
  /** The certificate followed by its chain. */
  readonly cert: string;
  readonly key: string;
}

interface CertificateProblem {
  /** The path of the field from the top of the configuration. */
  readonly path: FieldPath;
  readonly message: string;
}

/** TLS cannot be served with these files; has everything that is wrong with them. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
  readonly problems: readonly CertificateProblem[];

  constructor(problems: readonly CertificateProblem[]) {
    super(problems.map(({ path, message }) => `${formatField(path)}: ${message}`).join("\n"));
    this.problems = problems;
  }
}

/**
 * Reads certificate, key and chain and makes sure that they can be served together; `field` is the one that names them.
 *
 * @throws CertificateError
 */
export async function readCertificate(
  certificate: TlsCertificate,
  field: FieldPath = ["tlsCertificate"],
  read: ReadText = readSmallFile,
): Promise<TlsMaterial> {
  const problems: CertificateProblem[] = [];
  const problem = (path: FieldPath, message: string) => problems.push({ path: [...field, ...path], message });
  const attempt = async <T>(path: FieldPath, file: string, what: string, make: (pem: string) => T) => {
    let pem: string;
    try {
      pem = await read(file);
    } catch (error) {
      problem(path, `${file} ${(error as Error).message}`);
      return undefined;
    }
    try {
      return { pem, made: make(pem) };
    } catch {
      problem(path, `${file} has no ${what} in PEM format that can be used`);
      return undefined;
    }
  };
  const x509 = (pem: string) => new X509Certificate(pem);

  const { certificateFile, certificateKeyFile, certificateChain } = certificate;
  const leaf = await attempt(["certificateFile"], certificateFile, "certificate", x509);
  const key = await attempt(["certificateKeyFile"], certificateKeyFile, "private key", createPrivateKey);
  const chain: string[] = [];
  for (const [index, file] of certificateChain.entries()) {
    const link = await attempt(["certificateChain", index], file, "certificate", x509);
    if (link !== undefined) chain.push(link.pem);
  }
  if (leaf === undefined || key === undefined || problems.length > 0) throw new CertificateError(problems);

  const crowded = crowdedPem([leaf.pem, ...chain], mostInChain);
  if (crowded !== undefined) {
    problem(["certificateFile"], `${certificateFile}, with its chain, ${crowded}`);
    throw new CertificateError(problems);
  }
  const material = { cert: [leaf.pem, ...chain].map((pem) => pem.trimEnd()).join("\n"), key: key.pem };
  if (!leaf.made.checkPrivateKey(key.made)) {
    problem(["certificateKeyFile"], `${certificateKeyFile} is not the key of ${certificateFile}`);
    throw new CertificateError(problems);
  }
  try {
    // OpenSSL has its own rules, such as a minimum key size.
    createSecureContext(material);
  } catch (error) {
    problem(["certificateFile"], `${certificateFile} cannot be used: ${(error as Error).message}`);
    throw new CertificateError(problems);
  }
  return material;
}
