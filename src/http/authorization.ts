import { Secret } from "../base/secret.js";
import type { EndpointAuth } from "../config/groups/auth.js";

type Scheme = "bearer" | "basic";

const challenges: Readonly<Record<Scheme, string>> = {
  bearer: 'Bearer realm="muninn"',
  basic: 'Basic realm="muninn", charset="UTF-8"',
};

/** Decides whether an `Authorization` header has the credentials of an endpoint; the time taken reveals nothing about them. */
export class Authorization {
  /** The value of `WWW-Authenticate` in a refusal. */
  readonly challenge: string;
  readonly #expected: ReadonlyMap<Scheme, Secret>;

  /** If there are several, any one is enough; at most one for each scheme. */
  constructor(auth: EndpointAuth | readonly EndpointAuth[]) {
    this.#expected = new Map([auth].flat().map(expected));
    this.challenge = [...this.#expected.keys()].map((scheme) => challenges[scheme]).join(", ");
  }

  accepts(header: string | undefined): boolean {
    const [, name = "", credentials] = /^([A-Za-z]+) +(\S+) *$/.exec(header ?? "") ?? [];
    const scheme = name.toLowerCase() as Scheme;
    const secret = this.#expected.get(scheme);
    if (credentials === undefined || secret === undefined) return false;
    // Node gives headers with one character for each byte.
    return secret.isSame(Buffer.from(credentials, scheme === "basic" ? "base64" : "latin1"));
  }
}

function expected(auth: EndpointAuth): [scheme: Scheme, secret: Secret] {
  if ("bearerToken" in auth) return ["bearer", new Secret(auth.bearerToken)];
  return ["basic", new Secret(`${auth.user}:${auth.password}`)];
}
