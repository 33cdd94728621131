import { TailError } from "./tail-error.js";

/** The address of a running daemon, and the credentials to show. */
export interface DaemonAddress {
  /** Ends with a slash: paths are below it, behind a reverse proxy as well. */
  readonly base: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Reads an address, `http://127.0.0.1:3700` or, behind a proxy, `https://host/muninn`. A name and password in it are
 * sent as basic authentication, a token as a bearer token.
 * @throws TailError
 */
export function daemonAddress(text: string, token: string | undefined): DaemonAddress {
  const base = URL.canParse(text) ? new URL(text) : undefined;
  if (base === undefined || !["http:", "https:"].includes(base.protocol))
    throw new TailError("usage", "--url: must be an address such as http://127.0.0.1:3700");
  const { username, password } = base;
  if (username !== "" && token !== undefined)
    throw new TailError("usage", "--url: give either a name and password in it, or --token-file");
  base.username = "";
  base.password = "";
  base.search = "";
  base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const basic = username === "" ? {} : { authorization: `Basic ${Buffer.from(plain).toString("base64")}` };
  return { base, headers: token === undefined ? basic : { authorization: `Bearer ${token}` } };
}
