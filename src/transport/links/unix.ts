import { chmodSync, statSync } from "node:fs";
import type { Server } from "node:net";
import { dirname } from "node:path";
import { isMainThread } from "node:worker_threads";
import { formatAddress, type UnixAddress } from "../address.js";
import { connectSocket } from "./connect-socket.js";
import type { LinkKind, ListenOptions } from "./link.js";
import { claimPath, clearWay, closeKeepingOthers, identityOf, makeDirectoryOf } from "./socket-file.js";
import { cannotListen, listenAt, plainStream, socketServer } from "./socket-server.js";

/** Permissions of others than owner and group; connecting needs the right to write. */
const others = 0o007;
const othersWrite = 0o002;

export const unixLink: LinkKind<UnixAddress> = {
  /** The last directory of the path is created if it is missing, and the file that a dead process left is replaced. */
  async listen(address, options, onArrival) {
    const { path } = address;
    const peer = formatAddress(address);
    const server = socketServer(options, (socket) =>
      onArrival({ ...plainStream(socket, options.chunks), origin: "unix", peer }),
    );
    const giveBackClaim = await claimPath(path);
    try {
      if (await makeDirectoryOf(path)) options.onDirectoryMade?.(dirname(path));
      await clearWay(path);
      await listenWithMode(server, address, options);
    } catch (error) {
      giveBackClaim();
      throw cannotListen(address, error);
    }
    const file = identityOf(path);
    return {
      address,
      get listening() {
        return server.listening;
      },
      stop() {
        if (!server.listening) return;
        closeKeepingOthers(server, path, file);
        giveBackClaim();
      },
    };
  },

  async connect({ path }, options) {
    return plainStream(await connectSocket({ path }, options), options.chunks);
  },
};

/** `listen` creates the file in this turn, so no peer connects before it has its permissions. */
async function listenWithMode(
  server: Server,
  address: UnixAddress,
  { socketMode, onModeNarrowed }: ListenOptions,
): Promise<void> {
  const { path } = address;
  if (!isMainThread) return listenInThread(server, address, socketMode);
  const umask = process.umask(0o777);
  process.umask(socketMode === undefined ? umask | others : 0o777 & ~socketMode);
  let listening: Promise<void>;
  try {
    listening = listenAt(server, address, { path });
  } finally {
    process.umask(umask);
  }
  await listening;
  if (socketMode === undefined && (umask & othersWrite) === 0) onModeNarrowed?.(path);
}

/** A worker thread cannot set the umask of the process. */
async function listenInThread(
  server: Server,
  address: UnixAddress,
  socketMode: number | undefined,
): Promise<void> {
  await listenAt(server, address, { path: address.path });
  chmodSync(address.path, socketMode ?? statSync(address.path).mode & 0o777 & ~others);
}
