import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Address } from "../../src/transport/address.js";

export const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

/** A directory for each test and everything opened there; all closed and deleted when it ends. */
export class Place {
  directory = "";
  readonly #cleanups: (() => unknown)[] = [];

  constructor() {
    beforeEach(async () => {
      this.directory = await mkdtemp(join(tmpdir(), "muninn-place-"));
    });
    afterEach(async () => {
      for (const clean of this.#cleanups.splice(0).reverse()) await clean();
      await rm(this.directory, { recursive: true });
    });
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  unix(name = "muninn.sock"): Address & { kind: "unix" } {
    return { kind: "unix", path: this.path(name) };
  }

  atEnd(clean: () => unknown): void {
    this.#cleanups.push(clean);
  }

  /** Opens a connection; resolves when it is open. */
  async connect(address: Address): Promise<Socket> {
    const where =
      address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
    const socket = connect({ ...where, allowHalfOpen: true });
    this.atEnd(() => socket.destroy());
    await once(socket, "connect");
    socket.on("error", () => {});
    return socket;
  }
}

/** Addresses to listen on, by kind; ports are free ones. */
export function anywhere(kind: "unix" | "IPv4" | "IPv6", place: Place): Address {
  if (kind === "unix") return place.unix();
  return { kind: "tcp", host: kind === "IPv4" ? "127.0.0.1" : "::1", port: 0 };
}
