import type { IncomingHttpHeaders } from "node:http";

/** Names looked at in a list of forwarded hosts: parsing 16 KiB of them takes milliseconds. */
const mostForwarded = 16;

/**
 * Whether the page that opens a WebSocket is one of ours: browsers let any site open one to any other, with the user's
 * credentials, and name the site in `Origin`. Each proxy in a chain may have added the host it was asked for; the default
 * port of a scheme may be written or omitted.
 */
export function isOwnOrigin(headers: IncomingHttpHeaders): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  const asked = [
    headers.host ?? "",
    ...(headers["x-forwarded-host"]?.toString().split(",", mostForwarded) ?? []),
  ];
  return asked.some((name) => {
    const url = `${protocol}//${name.trim()}`;
    return host !== "" && URL.canParse(url) && new URL(url).host === host;
  });
}
