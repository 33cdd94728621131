import { optional, required, withDefault } from "../../fields/field.js";
import type { ValueOf } from "../../fields/kind.js";
import { mapping } from "../../fields/mapping.js";
import { host, port } from "../../fields/plain-kinds.js";
import { tlsCertificate } from "./tls-certificate.js";

/** Where OTLP is received. */
export const otlpIn = mapping({
  host: required(host(), "where OTLP is accepted over HTTP; beyond loopback it needs `muninn.auth.otlp`"),
  port: withDefault(port(), 4_318, "0 is any free port"),
  grpcPort: optional(port(), "where OTLP is accepted over gRPC, usually 4317; absent: nowhere"),
  tls: optional(tlsCertificate, ""),
});

export type OtlpInOptions = ValueOf<typeof otlpIn>;
