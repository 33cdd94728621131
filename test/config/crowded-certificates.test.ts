import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readCertificate } from "../../src/config/certificate.js";
import { readLinkCredentials } from "../../src/config/link-credentials.js";
import { readTls } from "../../src/sinks/credential-files.js";
import { certificateFile } from "../transport/certificates.js";

const certificateKeyFile = certificateFile("server-key");

/** A file with this certificate so many times. */
function repeated(name: "ca" | "server", count: number): string {
  const directory = mkdtempSync(join(tmpdir(), "muninn-crowd-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "many.pem");
  writeFileSync(file, readFileSync(certificateFile(name), "utf8").repeat(count));
  return file;
}

const read = async (file: string | undefined) => file && readFileSync(file, "utf8");

test("a certificate with a chain of more than 32 is refused before it is used", async () => {
  const certificateChain = [repeated("ca", 31)];
  const certificate = { certificateFile: certificateFile("server"), certificateKeyFile, certificateChain };
  await readCertificate(certificate);
  certificateChain.push(certificateFile("ca"));
  await expect(readCertificate(certificate)).rejects.toThrow(
    "with its chain, has 33 certificates; must have at most 32",
  );
});

test("a link's file with more than 500 authorities is refused", async () => {
  const linkOf = (count: number) => ({ tls: { clientCaFile: repeated("ca", count) } });
  await readLinkCredentials(linkOf(500), ["links", 0]);
  await expect(readLinkCredentials(linkOf(501), ["links", 0])).rejects.toThrow(
    /^links\[0\]\.tls\.clientCaFile: .*many\.pem has 501 certificates; must have at most 500$/,
  );
});

test("so are a sink's", async () => {
  const caFile = repeated("ca", 501);
  await expect(readTls("sinks", { caFile }, read)).rejects.toThrow("501 certificates");
  const many = { certificateFile: repeated("server", 33), certificateKeyFile };
  await expect(readTls("sinks", many, read)).rejects.toThrow("33 certificates");
});
