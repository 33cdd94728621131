import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { TlsCertificate } from "./config.js";
import type { FieldPath } from "./problem.js";
import { readSmallFile } from "./small-file.js";

export interface CertificateProblem {
  /** Below `tlsCertificate`. */
  readonly path: FieldPath;
  readonly message: string;
}

/** What is wrong with the files of a certificate that an endpoint needs; nothing where TLS can be served with them. */
export async function certificateProblems(certificate: TlsCertificate): Promise<CertificateProblem[]> {
  const problems: CertificateProblem[] = [];
  const attempt = async <T>(path: FieldPath, file: string, what: string, make: (pem: string) => T) => {
    let pem: string;
    try {
      pem = await readSmallFile(file);
    } catch (error) {
      problems.push({ path, message: `${file} ${(error as Error).message}` });
      return undefined;
    }
    try {
      return { pem, made: make(pem) };
    } catch {
      problems.push({ path, message: `${file} has no ${what} in PEM form that can be used` });
      return undefined;
    }
  };

  const { certificateFile, certificateKeyFile, certificateChain } = certificate;
  const leaf = await attempt(
    ["certificateFile"],
    certificateFile,
    "certificate",
    (pem) => new X509Certificate(pem),
  );
  const key = await attempt(["certificateKeyFile"], certificateKeyFile, "private key", (pem) =>
    createPrivateKey(pem),
  );
  const chain: string[] = [];
  for (const [index, file] of certificateChain.entries()) {
    const link = await attempt(
      ["certificateChain", index],
      file,
      "certificate",
      (pem) => new X509Certificate(pem),
    );
    if (link !== undefined) chain.push(link.pem);
  }
  if (leaf === undefined || key === undefined || problems.length > 0) return problems;

  if (!leaf.made.checkPrivateKey(key.made)) {
    return [
      { path: ["certificateKeyFile"], message: `${certificateKeyFile} is not the key of ${certificateFile}` },
    ];
  }
  try {
    createSecureContext({ cert: [leaf.pem, ...chain].join("\n"), key: key.pem });
  } catch (error) {
    problems.push({
      path: ["certificateFile"],
      message: `${certificateFile} cannot be used: ${(error as Error).message}`,
    });
  }
  return problems;
}
