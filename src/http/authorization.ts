import { createHash, timingSafeEqual } from "node:crypto";
import type { EndpointAuth } from "../config/groups/auth.js";

/** Decides whether an `Authorization` header shows what an endpoint asks for, in a time that tells nothing of it. */
export class Authorization {
  /** The value of `WWW-Authenticate` in a refusal. */
  readonly challenge: string;
  readonly #scheme: "bearer" | "basic";
  readonly #expected: Buffer;

  constructor(auth: EndpointAuth) {
    if ("bearerToken" in auth) {
      this.challenge = 'Bearer realm="muninn"';
      this.#scheme = "bearer";
      this.#expected = digest(Buffer.from(auth.bearerToken));
    } else {
      this.challenge = 'Basic realm="muninn", charset="UTF-8"';
      this.#scheme = "basic";
      this.#expected = digest(Buffer.from(`${auth.user}:${auth.password}`));
    }
  }

  accepts(header: string | undefined): boolean {
    const [, scheme, credentials] = /^([A-Za-z]+) +(\S+) *$/.exec(header ?? "") ?? [];
    if (credentials === undefined || scheme!.toLowerCase() !== this.#scheme) return false;
    // A header reaches us with one character for each byte.
    const shown = Buffer.from(credentials, this.#scheme === "basic" ? "base64" : "latin1");
    return timingSafeEqual(digest(shown), this.#expected);
  }
}

/** Digests have one length, so that comparing them does not tell how long the secret is. */
function digest(secret: Buffer): Buffer {
  return createHash("sha256").update(secret).digest();
}
