import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

type Name =
  | "server"
  | "renewed"
  | "expired-server"
  | "elsewhere"
  | "pool-a"
  | "pool-b"
  | "expired"
  | "self-signed";

/** The file of a certificate, or of its key. */
export function certificateFile(name: Name | "ca" | `${Name}-key`): string {
  return fileURLToPath(new URL(`certificates/${name}.pem`, import.meta.url));
}

/** A certificate and its key, as PEM. */
export function certificate(name: Name): { readonly cert: string; readonly key: string } {
  return { cert: pem(name), key: pem(`${name}-key`) };
}

/** The authority that signed most of them, as PEM. */
export const authority = pem("ca");

function pem(name: Parameters<typeof certificateFile>[0]): string {
  return readFileSync(certificateFile(name), "utf8");
}
