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

/** Longest path of a unix socket on Linux, in bytes (`sun_path` without its final NUL). */
export const maxPathBytes = 107;

export class AddressError extends Error {
  override readonly name = "AddressError";
}

/**
 * Reads `host:port` where the text ends in `:digits` and has a host, `[::1]:3001` included, else the path of a
 * socket file.
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

/** As `parseAddress` reads it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return address.path;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
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
