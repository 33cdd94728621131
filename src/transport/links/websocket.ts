import type { WebSocketAddress } from "../address.js";
import type { LinkKind } from "./link.js";
import { openWebSocket } from "./websocket-client.js";
import { listenForWebSockets } from "./websocket-server.js";

/** `ws:` and `wss:`. */
export const webSocketLink: LinkKind<WebSocketAddress> = {
  listen: listenForWebSockets,
  connect: async (address, options) => ({
    stream: await openWebSocket(address, options),
    chunks: options.chunks ?? "given",
    arrivesInPieces: true,
  }),
};
