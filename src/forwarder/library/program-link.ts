import type { LinkAddress } from "../../transport/address.js";
import type { LinkCredentials } from "../../transport/links/link.js";

/** Files in PEM form, as `muninn.links` has them. */
export interface TlsFiles {
  /** Our certificate with its chain; needed where we listen. */
  readonly certificateFile?: string | undefined;
  readonly certificateKeyFile?: string | undefined;
  /** When we connect: the authority to use instead of those that Node knows. */
  readonly caFile?: string | undefined;
  /** When we connect: the name in the tracer's certificate, if not the host's. */
  readonly serverName?: string | undefined;
  /** Where we listen: the authority whose certificates tracers must have. */
  readonly clientCaFile?: string | undefined;
}

/** How a program and a tracer are connected, and what they show each other. */
export interface ProgramLink {
  /** `connect` to a tracer that listens, or `listen` for one that connects. @default "connect" */
  readonly mode?: "connect" | "listen" | undefined;
  /** Of `tls:` and `wss:`. Read whenever we connect, and each minute where we listen. */
  readonly tls?: TlsFiles | undefined;
  /** Of `ws:` and `wss:`: the first line of this file is the token that we show, or, where we listen, that tracers must show. */
  readonly tokenFile?: string | undefined;
  /** Where we listen at `tls:`, `ws:` or `wss:` and ask tracers for nothing. */
  readonly access?: "anyone" | undefined;
}

/**
 * What reads the files of a link; it rejects with what is wrong with them. Undefined if there are none.
 * @throws TypeError for options that the kind of the address or the mode has no use for, or that it lacks
 */
export function credentialsOf(
  { mode = "connect", tls = {}, tokenFile, access }: ProgramLink,
  { kind }: LinkAddress,
): (() => Promise<LinkCredentials>) | undefined {
  const listens = mode === "listen";
  const isSecure = kind === "tls" || kind === "wss";
  const isWebSocket = kind === "ws" || kind === "wss";
  const given = (...names: readonly (keyof TlsFiles)[]) => names.some((name) => tls[name] !== undefined);
  const hasCertificate = given("certificateFile");
  const asksNothing = tokenFile === undefined && !given("clientCaFile");
  const faults: readonly (readonly [isSo: boolean, words: string])[] = [
    [Object.keys(tls).length > 0 && !isSecure, "tls is for tls: and wss: only"],
    [tokenFile !== undefined && !isWebSocket, "tokenFile is for ws: and wss: only"],
    [hasCertificate !== given("certificateKeyFile"), "certificateFile needs certificateKeyFile, and it that"],
    [listens && isSecure && !hasCertificate, "to listen, TLS needs tls.certificateFile"],
    [listens && given("caFile", "serverName"), "caFile and serverName are for mode connect"],
    [!listens && given("clientCaFile"), "clientCaFile is for mode listen"],
    [!listens && access !== undefined, "access is for mode listen"],
    [
      listens && (isSecure || isWebSocket) && asksNothing && access !== "anyone",
      'every tracer that comes would be let in: give tokenFile or tls.clientCaFile, or access: "anyone"',
    ],
  ];
  const fault = faults.find(([isSo]) => isSo);
  if (fault !== undefined) throw new TypeError(fault[1]);
  if (!isSecure && !isWebSocket) return undefined;
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
