import { isSecure, isWebSocket, type LinkAddress } from "../../transport/address.js";
import type { LinkCredentials } from "../../transport/links/link.js";

/** Files in PEM form, as `muninn.links` has them. */
export interface TlsFiles {
  /** Our certificate with its chain; required when listening. */
  readonly certificateFile?: string | undefined;
  readonly certificateKeyFile?: string | undefined;
  /** When connecting: the authority to trust instead of Node's own list. */
  readonly caFile?: string | undefined;
  /** When connecting: the name in the tracer's certificate, if it is not the host's. */
  readonly serverName?: string | undefined;
  /** When listening: the authority that must have issued tracers' certificates. */
  readonly clientCaFile?: string | undefined;
}

/** How a program and a tracer connect, and their credentials. */
export interface ProgramLink {
  /** `connect` to a tracer that listens, or `listen` for one that connects. @default "connect" */
  readonly mode?: "connect" | "listen" | undefined;
  /** For `tls:` and `wss:`. Read for each connection attempt, and each minute when listening. */
  readonly tls?: TlsFiles | undefined;
  /** For `ws:` and `wss:`: the first line of this file is the token to show or, when listening, to require of tracers. */
  readonly tokenFile?: string | undefined;
  /** Listens at `tls:`, `ws:` or `wss:` without requiring credentials of tracers. */
  readonly access?: "anyone" | undefined;
}

/**
 * A function that reads a link's files, and rejects with what is wrong with them. Undefined if the link has none.
 * @throws TypeError for options that do not apply to the kind of address or the mode, or that are missing
 */
export function credentialsOf(
  { mode = "connect", tls = {}, tokenFile, access }: ProgramLink,
  address: LinkAddress,
): (() => Promise<LinkCredentials>) | undefined {
  const listens = mode === "listen";
  const [hasTls, hasWebSocket] = [isSecure(address), isWebSocket(address)];
  const given = (...names: readonly (keyof TlsFiles)[]) => names.some((name) => tls[name] !== undefined);
  const hasCertificate = given("certificateFile");
  const requiresNothing = tokenFile === undefined && !given("clientCaFile");
  const faults: readonly (readonly [applies: boolean, message: string])[] = [
    [Object.keys(tls).length > 0 && !hasTls, "tls is for tls: and wss: only"],
    [tokenFile !== undefined && !hasWebSocket, "tokenFile is for ws: and wss: only"],
    [
      hasCertificate !== given("certificateKeyFile"),
      "certificateFile and certificateKeyFile need each other",
    ],
    [listens && hasTls && !hasCertificate, "to listen, TLS needs tls.certificateFile"],
    [listens && given("caFile", "serverName"), "caFile and serverName are for mode connect"],
    [!listens && given("clientCaFile"), "clientCaFile is for mode listen"],
    [!listens && access !== undefined, "access is for mode listen"],
    [
      listens && (hasTls || hasWebSocket) && requiresNothing && access !== "anyone",
      'any tracer could connect: give tokenFile or tls.clientCaFile, or access: "anyone"',
    ],
  ];
  const fault = faults.find(([applies]) => applies);
  if (fault !== undefined) throw new TypeError(fault[1]);
  if (!hasTls && !hasWebSocket) return undefined;
  return async () => {
    const { readLinkCredentials } = await import("../../config/link-credentials.js");
    const { CertificateError } = await import("../../config/certificate.js");
    try {
      const { token, ...read } = await readLinkCredentials({ tls, tokenFile }, []);
      if (!listens) return { ...read, token };
      return { ...read, access: token === undefined ? "anyone" : [{ token, nodes: ["*"] }] };
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      throw new Error(error.message.replaceAll("\n", "; "), { cause: error });
    }
  };
}
