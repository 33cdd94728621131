import type { AddressInfo } from "node:net";
import { formatAddress, type TcpAddress } from "../address.js";
import { connectSocket } from "./connect-socket.js";
import type { LinkKind } from "./link.js";
import { hostOf, listenAt, plainStream, socketServer } from "./socket-server.js";

export const tcpLink: LinkKind<TcpAddress> = {
  async listen(address, options, onArrival) {
    const server = socketServer(options, (socket) => {
      const host = hostOf(socket);
      const peer = formatAddress({ kind: "tcp", host, port: socket.remotePort ?? 0 });
      onArrival({ ...plainStream(socket, options.chunks), origin: host, peer });
    });
    await listenAt(server, address, { host: address.host, port: address.port });
    const { port } = server.address() as AddressInfo;
    return {
      address: { ...address, port },
      get listening() {
        return server.listening;
      },
      stop: () => void server.close(),
    };
  },

  async connect({ host, port }, options) {
    return plainStream(await connectSocket({ host, port }, options), options.chunks);
  },
};
