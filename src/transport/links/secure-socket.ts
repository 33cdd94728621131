import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { preparePeerSocket } from "../peer-socket.js";
import type { ConnectOptions } from "./link.js";
import { eventOf } from "./socket-event.js";

/** Speaks TLS over a connected socket. Rejects with what is wrong with the other side's certificate, or ours. */
export async function secureSocket(
  socket: Socket,
  host: string,
  options: ConnectOptions,
): Promise<TLSSocket> {
  const { cert, key, ca, serverName = host } = options.credentials ?? {};
  const secure = connect({
    socket,
    host: serverName,
    // TLS can only ask for names, not for addresses.
    servername: isIP(serverName) === 0 ? serverName : "",
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca }),
  });
  await eventOf(secure, "secureConnect", options);
  preparePeerSocket(secure);
  return secure;
}
