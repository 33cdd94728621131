import dns from "node:dns";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import type { Address, LinkAddress } from "../../src/transport/address.js";
import type { Connection } from "../../src/transport/connection.js";
import { type ConnectorsOptions, openConnectors } from "../../src/transport/connectors.js";
import { anywhere, hasIPv6, Place } from "./places.js";

const place = new Place();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Pauses that end when the test says so. */
class Pauses {
  readonly lengths: number[] = [];
  readonly #waiting: (() => void)[] = [];

  readonly pause = (milliseconds: number, signal: AbortSignal): Promise<void> => {
    this.lengths.push(milliseconds);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => resolve());
    });
  };

  /** Waits for a pause to start, and ends it. */
  async endNext(): Promise<void> {
    await vi.waitFor(() => expect(this.#waiting.length).toBeGreaterThan(0), { timeout: 20_000 });
    this.#waiting.shift()?.();
  }
}

/** Connects; the results wait for the test. */
function connectTo(addresses: readonly Address[], options: Partial<ConnectorsOptions> = {}) {
  const pauses = new Pauses();
  const connections: Connection[] = [];
  const unreachable: { address: LinkAddress; error: NodeJS.ErrnoException }[] = [];
  const ends: ((hadHandshake: boolean) => void)[] = [];
  const connectors = openConnectors({
    addresses,
    initialMs: 100,
    maxMs: 1_000,
    random: () => 0.5,
    pause: pauses.pause,
    observer: { unreachable: (address, error) => unreachable.push({ address, error }) },
    run: (connection) => {
      connections.push(connection);
      place.atEnd(() => connection.stream.destroy());
      return new Promise((resolve) => {
        ends.push((hadHandshake) => {
          connection.stream.destroy();
          resolve(hadHandshake);
        });
      });
    },
    ...options,
  });
  place.atEnd(() => connectors.stop());
  const end = (index: number, hadHandshake: boolean) => ends[index]?.(hadHandshake);
  return { connectors, connections, unreachable, pauses, end };
}

async function nodeAt(address: Address): Promise<{ server: Server; sockets: Socket[]; address: Address }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
  });
  server.listen(
    address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port },
  );
  await once(server, "listening");
  place.atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return { server, sockets, address: address.kind === "unix" ? address : { ...address, port } };
}

async function until(assertion: () => void): Promise<void> {
  await vi.waitFor(assertion, { timeout: 20_000 });
}

test.each([
  { kind: "unix", id: /^[\w.-]*muninn\.sock-1$/ },
  { kind: "IPv4", id: /^127\.0\.0\.1-\d+-1$/ },
  { kind: "IPv6", id: /^1-\d+-1$/ },
] as const)(
  "Muninn connects to a node that listens over $kind, and bytes pass both ways",
  async ({ kind, id }) => {
    if (kind === "IPv6" && !hasIPv6) return expect(hasIPv6).toBe(false);
    const { address, sockets } = await nodeAt(anywhere(kind, place));
    const { connectors, connections } = connectTo([address]);
    await until(() => expect([connections.length, sockets.length]).toEqual([1, 1]));
    expect(connections[0]).toMatchObject({ opener: "us", id: expect.stringMatching(id) });
    expect(connectors.targets()).toMatchObject([{ address, state: "connected" }]);
    connections[0]!.stream.write("proposal");
    expect(String((await once(sockets[0]!, "data"))[0])).toBe("proposal");
    sockets[0]!.write("answer");
    expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("answer");
  },
);

test("an absent target is retried after pauses that double up to the maximum", async () => {
  const { pauses, unreachable, connectors } = connectTo([place.unix()]);
  for (let attempt = 0; attempt < 6; attempt += 1) await pauses.endNext();
  expect(pauses.lengths.slice(0, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(unreachable).toHaveLength(1);
  expect(unreachable[0]?.error.code).toBe("ENOENT");
  expect(connectors.targets()).toMatchObject([{ state: "waiting", error: { code: "ENOENT" } }]);
});

test("pauses vary by up to a fifth either way", async () => {
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), async (random) => {
      const { pauses, connectors } = connectTo([place.unix("nobody.sock")], { random: () => random });
      await until(() => expect(pauses.lengths).toHaveLength(1));
      await connectors.stop();
      expect(pauses.lengths[0]).toBeCloseTo(80 + 40 * random, 6);
    }),
    { numRuns: 10 },
  );
});

test("a target counts as absent since its first failure, whatever fails later", async () => {
  const clock = vi.spyOn(Date, "now");
  clock.mockReturnValue(5_000);
  const { pauses, connectors } = connectTo([place.unix()]);
  await until(() => expect(connectors.targets()[0]?.state).toBe("waiting"));
  clock.mockReturnValue(9_000);
  await pauses.endNext();
  await until(() => expect(pauses.lengths).toHaveLength(2));
  expect(connectors.targets()).toMatchObject([{ state: "waiting", since: 5_000 }]);
});

test("a target that appears is connected to, and pauses are short again after a handshake", async () => {
  const address = place.unix();
  const { connectors, connections, pauses, unreachable, end } = connectTo([address]);
  await pauses.endNext();
  await pauses.endNext();
  await until(() => expect(pauses.lengths).toHaveLength(3));
  const { sockets } = await nodeAt(address);
  await pauses.endNext();
  await until(() => expect(connections).toHaveLength(1));
  expect(connectors.targets()).toMatchObject([{ state: "connected" }]);
  end(0, true);
  await until(() => expect(pauses.lengths).toEqual([100, 200, 400, 100]));
  await pauses.endNext();
  await until(() => expect([connections.length, sockets.length]).toEqual([2, 2]));
  expect(connections[1]?.id).toBe(connections[0]?.id);
  expect(unreachable).toHaveLength(1);
});

test("pauses keep growing if connections end without a handshake", async () => {
  const { address } = await nodeAt(place.unix());
  const { connections, pauses, end } = connectTo([address]);
  for (let round = 0; round < 4; round += 1) {
    await until(() => expect(connections).toHaveLength(round + 1));
    end(round, false);
    await pauses.endNext();
  }
  expect(pauses.lengths).toEqual([100, 200, 400, 800]);
});

test("an unreachable target is reported once each time it is lost", async () => {
  const address = place.unix();
  const { server, sockets } = await nodeAt(address);
  const { connections, pauses, unreachable, end } = connectTo([address]);
  await until(() => expect([connections.length, sockets.length]).toEqual([1, 1]));
  server.close();
  end(0, true);
  await pauses.endNext();
  await pauses.endNext();
  await until(() => expect(pauses.lengths).toHaveLength(3));
  expect(unreachable).toHaveLength(1);
  await nodeAt(address);
  await pauses.endNext();
  await until(() => expect(connections).toHaveLength(2));
});

test("an absent target delays no other", async () => {
  const { address } = await nodeAt(place.unix("there.sock"));
  const { connectors, connections } = connectTo([place.unix("missing.sock"), address]);
  await until(() => expect(connections).toHaveLength(1));
  await until(() => expect(connectors.targets().map(({ state }) => state)).toEqual(["waiting", "connected"]));
});

test("a target that neither accepts nor refuses is given up after the timeout", async () => {
  // A listener whose thread sleeps: a few connections wait to be accepted, and any more get no answer at all.
  const worker = new Worker(
    `const { createServer } = require("node:net");
     const { parentPort } = require("node:worker_threads");
     const server = createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  place.atEnd(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  const address: Address = { kind: "tcp", host: "127.0.0.1", port };
  const addresses = Array.from({ length: 8 }, () => address);
  const { unreachable } = connectTo(addresses, { connectTimeoutMs: 200 });
  await until(() => expect(unreachable.length).toBeGreaterThan(0));
  expect(unreachable[0]?.error.message).toBe("no answer within 200 ms");
});

test("a name whose addresses all refuse fails with the error of the first", async () => {
  const closed = await nodeAt({ kind: "tcp", host: "127.0.0.1", port: 0 });
  closed.server.close();
  await once(closed.server, "close");
  const lookup = (_: string, __: object, answer: (error: null, found: dns.LookupAddress[]) => void) =>
    answer(null, [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 },
    ]);
  vi.spyOn(dns, "lookup").mockImplementation(lookup as typeof dns.lookup);
  const { port } = closed.address as Address & { kind: "tcp" };
  const { unreachable } = connectTo([{ kind: "tcp", host: "relay.example", port }]);
  await until(() => expect(unreachable).toHaveLength(1));
  expect(unreachable[0]?.error.message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`);
});

test("after a stop no target is connected to, and open connections stay", async () => {
  const { address, sockets } = await nodeAt(place.unix("there.sock"));
  const later = place.unix("later.sock");
  const { connectors, connections, pauses } = connectTo([address, later]);
  await until(() => expect([connections.length, sockets.length, pauses.lengths.length]).toEqual([1, 1, 1]));
  await Promise.all([connectors.stop(), connectors.stop()]);
  const { sockets: came } = await nodeAt(later);
  sockets[0]!.write("still here");
  expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("still here");
  expect([came.length, connections.length]).toEqual([0, 1]);
});

test("a stop ends an attempt in progress without reporting it", async () => {
  const answers: unknown[] = [];
  vi.spyOn(dns, "lookup").mockImplementation(((...given: unknown[]) => answers.push(given)) as never);
  const { connectors, connections, unreachable } = connectTo([
    { kind: "tcp", host: "relay.example", port: 1 },
  ]);
  await until(() => expect(answers).toHaveLength(1));
  expect(connectors.targets()).toMatchObject([{ state: "connecting" }]);
  await connectors.stop();
  expect([connections.length, unreachable.length]).toEqual([0, 0]);
});
