import { createHash, timingSafeEqual } from "node:crypto";

/** A secret that texts are compared with; the time that takes reveals nothing about it, not even its length. */
export class Secret {
  readonly #digest: Buffer;

  constructor(secret: string | Uint8Array) {
    this.#digest = digest(secret);
  }

  isSame(shown: string | Uint8Array): boolean {
    return timingSafeEqual(digest(shown), this.#digest);
  }
}

/** Digests all have the same length. */
function digest(secret: string | Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}
