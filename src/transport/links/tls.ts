import type { TlsAddress } from "../address.js";
import { type Admission, admit } from "./access.js";
import { connectSocket } from "./connect-socket.js";
import { Entrance } from "./entrance.js";
import type { DoorCredentials, LinkKind } from "./link.js";
import { secureSocket } from "./secure-socket.js";
import { plainStream } from "./socket-server.js";
import { subjectOf, TlsServer } from "./tls-server.js";

export const tlsLink: LinkKind<TlsAddress> = {
  async listen(address, options, onArrival) {
    let credentials: DoorCredentials = options.credentials ?? { access: [] };
    const tls = new TlsServer(credentials, (stream, candidate) => {
      const admission: Admission = admit(credentials.access, { subject: subjectOf(stream) });
      if ("refused" in admission) {
        candidate.refuse(admission.refused);
        return;
      }
      candidate.admit();
      const { host: origin, peer } = candidate;
      onArrival({
        ...plainStream(stream, options.chunks),
        arrivesInPieces: true,
        origin,
        peer,
        ...admission,
      });
    });
    const entrance = new Entrance({ ...options, waitsOutside: true }, (socket, candidate) =>
      tls.enter(socket, candidate),
    );
    return Object.assign(await entrance.open(address), {
      setCredentials: (changed: DoorCredentials) => {
        tls.setCredentials(changed);
        credentials = changed;
      },
    });
  },

  async connect({ host, port }, options) {
    const socket = await connectSocket({ host, port }, options);
    const stream = await secureSocket(socket, host, options);
    return { ...plainStream(stream, options.chunks), arrivesInPieces: true };
  },
};
