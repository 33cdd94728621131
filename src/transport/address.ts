import { isIP } from "node:net";

export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

export interface TcpAddress {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

/** Where to listen or connect: a socket file, or a host and a port. */
export type Address = UnixAddress | TcpAddress;

export interface TlsAddress {
  readonly kind: "tls";
  readonly host: string;
  readonly port: number;
}

export interface WebSocketAddress {
  /** With TLS, or without: then behind a reverse proxy. */
  readonly kind: "wss" | "ws";
  readonly host: string;
  readonly port: number;
  /** Begins with a slash; percent-encoded. */
  readonly path: string;
}

/** An address of any kind of link. */
export type LinkAddress = Address | TlsAddress | WebSocketAddress;

/** Whether links of this kind use TLS. */
export function isSecure({ kind }: Pick<LinkAddress, "kind">): boolean {
  return kind === "tls" || kind === "wss";
}

/** Whether links of this kind are WebSockets. */
export function isWebSocket({ kind }: Pick<LinkAddress, "kind">): boolean {
  return kind === "ws" || kind === "wss";
}

/** Longest path of a unix socket on Linux, in bytes (`sun_path` without its final NUL). */
export const maxPathBytes = 107;

export class AddressError extends Error {
  override readonly name = "AddressError";
}

/**
 * Reads `host:port` if the text has a host and ends in `:digits`, also `[::1]:3001`; otherwise it is the path of a socket
 * file.
 * @throws AddressError
 */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|(.*)):(\d+)$/s.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || digits === undefined) return socketFile(text);
  if (host === "") throw new AddressError(`"${text}" has no host; write for example 127.0.0.1:${digits}`);
  const port = Number(digits);
  if (port > 65_535) throw new AddressError(`port ${digits} is beyond 65535`);
  return { kind: "tcp", host, port };
}

/** The text that `parseAddress` reads; for an address of another kind, that `parseLinkAddress` reads. */
export function formatAddress(address: LinkAddress): string {
  switch (address.kind) {
    case "unix":
      return address.path;
    case "tcp":
      return address.host.includes(":")
        ? `[${address.host}]:${address.port}`
        : `${address.host}:${address.port}`;
    default:
      return formatLinkAddress(address);
  }
}

function socketFile(path: string): Address {
  if (path === "")
    throw new AddressError("an address must not be empty; write host:port or the path of a socket");
  if (path.includes("\0")) throw new AddressError("the path of a socket must not contain a NUL");
  const bytes = Buffer.byteLength(path);
  if (bytes > maxPathBytes) {
    throw new AddressError(
      `the path of a socket has at most ${maxPathBytes} bytes, this one has ${bytes}: ${path}`,
    );
  }
  return { kind: "unix", path };
}

/** Default ports of WebSocket addresses. */
const usualPorts = { ws: 80, wss: 443 } as const;

const linkForms = "unix:/path, tcp://host:port, tls://host:port, ws://host:port/path or wss://host:port/path";

/** Reads an address with its kind in front: `wss://tracer.example:3443/nodes`. @throws AddressError */
export function parseLinkAddress(text: string): LinkAddress {
  const [, kind, rest] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  switch (kind) {
    case "unix":
      return socketFile(rest!.replace(/^\/\/(?=\/)/, ""));
    case "tcp":
    case "tls":
      return { ...hostAndPort(text, /^\/\/([^/]*)\/?$/.exec(rest!)?.[1] ?? ""), kind };
    case "ws":
    case "wss":
      return webSocket(text, kind);
    default:
      throw new AddressError(`"${text}" does not name a kind of link; write ${linkForms}`);
  }
}

/** Reads an address like `parseLinkAddress` if a kind is in front, otherwise like `parseAddress`. @throws AddressError */
export function parseAnyAddress(text: string): LinkAddress {
  return /^(?:unix:\/|(?:tcp|tls|ws|wss):\/\/)/.test(text) ? parseLinkAddress(text) : parseAddress(text);
}

/** The text that `parseLinkAddress` reads. */
export function formatLinkAddress(address: LinkAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const place = formatAddress({ kind: "tcp", host: address.host, port: address.port });
  return `${address.kind}://${place}${"path" in address ? address.path : ""}`;
}

/** Addresses whose first `prefix` bits are the same. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** Reads `10.0.0.0/8`, or one address. @throws AddressError */
export function parseNetwork(text: string): Network {
  const [, address = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const longest = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? longest : Number(bits);
  if (version === 0) throw new AddressError(`"${address}" is no IP address`);
  if (prefix > longest) throw new AddressError(`there are at most ${longest} bits`);
  return { address, prefix, family: version === 6 ? "ipv6" : "ipv4" };
}

/** The text that `parseNetwork` reads. */
export function formatNetwork({ address, prefix }: Network): string {
  return `${address}/${prefix}`;
}

function hostAndPort(text: string, place: string): TcpAddress {
  const address = place === "" ? undefined : parseAddress(place);
  if (address?.kind !== "tcp")
    throw new AddressError(`"${text}" needs a host and a port; write ${linkForms}`);
  return address;
}

function webSocket(text: string, kind: WebSocketAddress["kind"]): WebSocketAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new AddressError(`"${text}" is not a WebSocket address; write ${kind}://host:port/path`, {
      cause,
    });
  }
  if (url.username !== "" || url.password !== "")
    throw new AddressError(
      "an address must not hold a user and password; a token belongs in a file of its own",
    );
  if (url.search !== "" || url.hash !== "")
    throw new AddressError(`"${text}" has more than a path; write ${kind}://host:port/path`);
  return {
    kind,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? usualPorts[kind] : Number(url.port),
    path: url.pathname,
  };
}
