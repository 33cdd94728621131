import { certificateFile } from "../../transport/certificates.js";

/** With these a server accepts only clients with a certificate of the tests' authority. */
export const flagsForClientCertificates: readonly string[] = [
  "--tlsverify",
  ...["--tlscert", certificateFile("server")],
  ...["--tlskey", certificateFile("server-key")],
  ...["--tlscacert", certificateFile("ca")],
];

/** Fields of a sink, or of `muninn.collect`, that provide a client's certificate. */
export function clientCertificate(name: "pool-a" | "self-signed") {
  return { certificateFile: certificateFile(name), certificateKeyFile: certificateFile(`${name}-key`) };
}
