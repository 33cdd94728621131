import { once } from "node:events";
import { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import type { Connection } from "../../src/transport/connection.js";
import { openListener } from "../../src/transport/listener.js";
import { anywhere, Place } from "./places.js";

const place = new Place();

/** A connection and the peer's end of it. */
async function connected(kind: "unix" | "IPv4") {
  let arrive!: (connection: Connection) => void;
  const arrived = new Promise<Connection>((resolve) => {
    arrive = resolve;
  });
  const listener = await openListener({
    address: anywhere(kind, place),
    maxConnections: 1,
    run: async (connection) => {
      arrive(connection);
      place.atEnd(() => connection.stream.destroy());
      return true;
    },
    onTooMany: () => {},
  });
  place.atEnd(() => listener.stop());
  const peer = await place.connect(listener.address);
  return { peer, stream: (await arrived).stream };
}

test.each(["unix", "IPv4"] as const)(
  "all that a peer sent over %s before it left is read, even while we keep writing to it",
  async (kind) => {
    const { peer, stream } = await connected(kind);
    const sent = Buffer.alloc(50_000, "x");
    peer.end(sent);
    await once(peer, "finish");
    peer.destroy();
    await once(peer, "close");
    // The kernel may still accept the first write; after that it knows that nobody is there.
    for (let write = 0; write < 5; write += 1) {
      if (stream.writable) stream.write("more");
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await buffer(stream)).equals(sent)).toBe(true);
  },
);

test("a failed write ends our side, so that nothing more is sent to nobody", async () => {
  const { peer, stream } = await connected("unix");
  peer.destroy();
  await once(peer, "close");
  stream.write("more");
  if (!stream.writableEnded) await once(stream, "prefinish");
  expect(stream.writable).toBe(false);
  stream.resume();
  await new Promise((resolve) => stream.once("close", resolve));
});

test("an idle connection is probed after twenty seconds, so that a peer whose machine has failed is noticed", async () => {
  const keepAlive = vi.spyOn(Socket.prototype, "setKeepAlive");
  const { stream } = await connected("IPv4");
  const asked = keepAlive.mock.contexts.indexOf(stream);
  expect(keepAlive.mock.calls[asked]).toEqual([true, 20_000]);
  keepAlive.mockRestore();
});
