import { constants } from "node:crypto";
import { DEFAULT_CIPHERS, type SecureContextOptions } from "node:tls";

/**
 * What every server of ours allows in TLS. A client chooses among it, and the work is ours: a key exchange over 8,192 bits takes
 * ten times as long as all else, and where it may renegotiate, or have a key decrypted with RSA, thousands can ask for that
 * at the same moment, long after they were admitted.
 */
export const serverTls = {
  minVersion: "TLSv1.2",
  ecdhCurve: "X25519:prime256v1:secp384r1",
  ciphers: `${DEFAULT_CIPHERS}:!kDHE:!kRSA`,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies SecureContextOptions;
