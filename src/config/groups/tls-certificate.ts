import { list } from "../../fields/compound-kinds.js";
import { required, withDefault } from "../../fields/field.js";
import type { ValueOf } from "../../fields/kind.js";
import { mapping } from "../../fields/mapping.js";
import { fileName } from "../../fields/plain-kinds.js";

/** The certificate of endpoints with `epForceSSL`; file names are absolute. */
export const tlsCertificate = mapping({
  certificateFile: required(fileName(), "PEM; read only if TLS is served with it, and must then be usable"),
  certificateKeyFile: required(fileName(), "PEM, with its key"),
  certificateChain: withDefault(list(fileName(), "file names"), [], "PEM, from the issuer on"),
});

export type TlsCertificate = ValueOf<typeof tlsCertificate>;
