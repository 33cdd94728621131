import { required, withDefault } from "../../fields/field.js";
import type { ValueOf } from "../../fields/kind.js";
import { mapping } from "../../fields/mapping.js";
import { flag, host, port } from "../../fields/plain-kinds.js";

/** Where HTTP is served. */
export const endpoint = mapping({
  epHost: required(host(), "where to listen; `*` is all of IPv4", { as: "host" }),
  epPort: required(port(), "different for each endpoint; 0 is any free port", { as: "port" }),
  epForceSSL: withDefault(flag(), false, "HTTPS only; needs `tlsCertificate`", { as: "forceSsl" }),
});

export type Endpoint = ValueOf<typeof endpoint>;
