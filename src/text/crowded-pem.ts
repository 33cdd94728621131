/** A certificate with its chain has a few; each is sent in every handshake. */
export const mostInChain = 32;
/** Authorities of a whole operating system are some 150. */
export const mostAuthorities = 500;

/**
 * Why there are too many certificates in these texts: a sentence to follow the name of the file. Using one takes OpenSSL a
 * tenth of a millisecond, in which nothing else is done.
 */
export function crowdedPem(texts: readonly string[], most: number): string | undefined {
  const count = texts.reduce((sum, text) => sum + text.split(begin).length - 1, 0);
  return count > most ? `has ${count} certificates; must have at most ${most}` : undefined;
}

const begin = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;
