import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { formatLinkAddress, type WebSocketAddress } from "../address.js";
import { connectSocket } from "./connect-socket.js";
import type { ConnectOptions } from "./link.js";
import { connectThrough, proxyFor } from "./proxy.js";
import { secureSocket } from "./secure-socket.js";
import { WebSocketStream } from "./websocket-stream.js";

/** What an answer other than a WebSocket means, if that is clear. */
const meanings: Readonly<Record<number, string>> = {
  401: "it does not accept our credentials",
  404: "there is no such path",
  429: "it has refused us too often, and we have to wait",
  502: "the proxy in front of it does not reach it",
  503: "the proxy in front of it does not reach it",
};

/**
 * A mask of zeros makes both sides skip the masking, which is most of what a WebSocket costs. RFC 6455 wants masks that
 * cannot be foreseen, against proxies that read along; inside TLS there is none. (This is for pings and the like: messages
 * are framed in websocket-stream.ts.)
 */
const zeroMask = (mask: Buffer) => mask.fill(0);

/** Connects, through a proxy if the environment names one. Rejects with the other side's error, in words. */
export async function openWebSocket(
  address: WebSocketAddress,
  options: ConnectOptions,
): Promise<WebSocketStream> {
  const { host, port } = address;
  const { token } = options.credentials ?? {};
  const proxy = proxyFor(address);
  const plain =
    proxy === undefined
      ? await connectSocket({ host, port }, options)
      : await connectThrough(proxy, address, options);
  const isSecure = address.kind === "wss";
  const socket = isSecure ? await secureSocket(plain, host, options) : plain;
  const webSocket = new WebSocket(formatLinkAddress(address), {
    createConnection: () => socket,
    handshakeTimeout: options.timeoutMs,
    perMessageDeflate: false,
    ...(isSecure && { generateMask: zeroMask }),
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });
  // Created before it opens, so that nothing that arrives with the answer is missed.
  const stream = new WebSocketStream(webSocket, socket, { peer: "server", chunks: options.chunks });
  const refused = new Promise<never>((_, reject) =>
    webSocket.once("unexpected-response", (__, { statusCode = 0, statusMessage }: IncomingMessage) => {
      const meaning = meanings[statusCode];
      reject(
        new Error(`it answered ${statusCode} ${statusMessage}${meaning === undefined ? "" : `: ${meaning}`}`),
      );
    }),
  );
  try {
    await Promise.race([once(webSocket, "open", { signal: options.signal }), refused]);
    return stream;
  } catch (error) {
    webSocket.on("error", () => {});
    stream.destroy();
    socket.destroy();
    throw error;
  }
}
