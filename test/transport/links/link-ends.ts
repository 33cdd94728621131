import type { Duplex } from "node:stream";
import { expect, vi } from "vitest";
import type { LinkAddress } from "../../../src/transport/address.js";
import type { Connection } from "../../../src/transport/connection.js";
import { connectOver } from "../../../src/transport/links/kinds.js";
import type {
  DoorCredentials,
  ListenOptions,
  OwnCredentials,
  Refusal,
} from "../../../src/transport/links/link.js";
import { openListener } from "../../../src/transport/listener.js";
import { authority, certificate } from "../certificates.js";
import type { Place } from "../places.js";

const anyPort = { host: "127.0.0.1", port: 0 } as const;

/** The kinds that ask peers for credentials, or may. */
export const doorKinds = ["tls", "ws", "wss"] as const;

export function addressOf(kind: "unix" | "tcp" | (typeof doorKinds)[number], place: Place): LinkAddress {
  if (kind === "unix") return place.unix();
  if (kind === "tcp" || kind === "tls") return { kind, ...anyPort };
  return { kind, ...anyPort, path: "/nodes" };
}

/** Of a server that anybody may connect to. */
export const openDoor: DoorCredentials = { ...certificate("server"), access: "anyone" };

/** Listens, and keeps connections and refusals. */
export async function listenAt(address: LinkAddress, place: Place, options: Partial<ListenOptions> = {}) {
  const connections: Connection[] = [];
  const refusals: Refusal[] = [];
  const listener = await openListener({
    address,
    maxConnections: 100,
    credentials: openDoor,
    onRefused: (refusal) => refusals.push(refusal),
    onTooMany: () => {},
    run: async (connection) => {
      connections.push(connection);
      place.atEnd(() => connection.stream.destroy());
      await new Promise((resolve) => connection.stream.once("close", resolve));
      return true;
    },
    ...options,
  });
  place.atEnd(() => listener.stop());
  return { listener, address: listener.address, connections, refusals };
}

/** Connects as a peer that trusts the tests' authority. */
export async function connectAt(
  address: LinkAddress,
  place: Place,
  credentials: OwnCredentials = {},
): Promise<Duplex> {
  const { stream } = await connectOver(address, {
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    credentials: { ca: authority, ...credentials },
  });
  place.atEnd(() => stream.destroy());
  return stream;
}

export async function until(assertion: () => void): Promise<void> {
  await vi.waitFor(assertion, { timeout: 20_000, interval: 5 });
}

/** Both ends of a connection over a link. */
export async function bothEnds(
  kind: Parameters<typeof addressOf>[0],
  place: Place,
): Promise<{ ours: Connection; theirs: Duplex }> {
  const { address, connections } = await listenAt(addressOf(kind, place), place);
  const theirs = await connectAt(address, place);
  await until(() => expect(connections).toHaveLength(1));
  return { ours: connections[0]!, theirs };
}
