import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { getProxyForUrl } from "proxy-from-env";
import { formatAddress, type WebSocketAddress } from "../address.js";
import { preparePeerSocket } from "../peer-socket.js";
import type { ConnectOptions } from "./link.js";

/** The proxy that `HTTPS_PROXY` (for `ws:` `HTTP_PROXY`) names for an address, unless `NO_PROXY` lists it. */
export function proxyFor({ kind, host, port }: WebSocketAddress): URL | undefined {
  const scheme = kind === "wss" ? "https" : "http";
  const proxy = getProxyForUrl(`${scheme}://${formatAddress({ kind: "tcp", host, port })}`);
  return proxy === "" ? undefined : new URL(proxy);
}

/** A socket to the target through an HTTP proxy (`CONNECT`). */
export async function connectThrough(
  proxy: URL,
  { host, port }: WebSocketAddress,
  { signal, timeoutMs, unref }: ConnectOptions,
): Promise<Socket> {
  const target = formatAddress({ kind: "tcp", host, port });
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = (proxy.protocol === "https:" ? httpsRequest : httpRequest)(proxy, {
    method: "CONNECT",
    path: target,
    headers: {
      host: target,
      ...(credentials !== ":" && {
        "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}`,
      }),
    },
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  if (unref) request.once("socket", (socket) => socket.unref());
  request.end();
  const where = `the proxy ${proxy.host}`;
  // An answer other than a tunnel has a body, which is not read.
  request.once("response", (response) =>
    request.destroy(new Error(`answered ${response.statusCode} ${response.statusMessage}`)),
  );
  try {
    const [{ statusCode, statusMessage }, socket] = await once(request, "connect");
    if (statusCode !== 200) {
      socket.destroy();
      throw new Error(`answered ${statusCode} ${statusMessage}`);
    }
    preparePeerSocket(socket);
    return socket;
  } catch (cause) {
    request.on("error", () => {});
    const { name, message } = cause as Error;
    const reason = name === "TimeoutError" ? `no answer within ${timeoutMs} ms` : message;
    throw new Error(`${where}: ${reason}`, { cause });
  }
}
