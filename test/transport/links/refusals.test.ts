import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { formatLinkAddress, type LinkAddress, parseNetwork } from "../../../src/transport/address.js";
import type { DoorCredentials } from "../../../src/transport/links/link.js";
import { authority, certificate } from "../certificates.js";
import { Place } from "../places.js";
import { addressOf, connectAt, doorKinds, listenAt, until } from "./link-ends.js";

const place = new Place();

const token = "a-token-of-16-signs";
const withToken: DoorCredentials = {
  ...certificate("server"),
  access: [{ token, nodes: ["relay-*"] }],
};
const withCertificate: DoorCredentials = {
  ...certificate("server"),
  clientCa: authority,
  access: [{ subject: { CN: "pool-a" }, nodes: ["bp-*"] }],
};
const either: DoorCredentials = {
  ...withCertificate,
  access: [...(withToken.access as []), ...(withCertificate.access as [])],
};

/** A plain socket to a link's address. */
function socketTo(address: LinkAddress) {
  if (!("port" in address)) throw new Error("no port");
  return place.connect({ kind: "tcp", host: address.host, port: address.port });
}

/** The answer to a request over a plain socket, until the other side has ended. */
async function answerTo(address: LinkAddress, request: string): Promise<string> {
  const socket = await socketTo(address);
  socket.write(request);
  return text(socket);
}

/** Resolves when the other side has ended and the socket is closed, with or without an error. */
async function gone(stream: Duplex): Promise<void> {
  stream.on("error", () => {});
  stream.once("end", () => stream.end());
  stream.resume();
  if (!stream.closed) await new Promise<void>((resolve) => stream.once("close", () => resolve()));
}

function upgrade(path: string, ...headers: string[]): string {
  return [
    `GET ${path} HTTP/1.1`,
    "Host: tracer.example",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ...headers,
    "\r\n",
  ].join("\r\n");
}

test.each([
  { what: "no token", path: "/nodes", header: "X-Nothing: 1", status: 401, reason: "token" },
  {
    what: "a wrong token",
    path: "/nodes",
    header: "Authorization: Bearer wrong",
    status: 401,
    reason: "token",
  },
  {
    what: "a token of another scheme",
    path: "/nodes",
    header: `Authorization: Basic ${token}`,
    status: 401,
    reason: "token",
  },
  {
    what: "the right token at another path",
    path: "/other",
    header: `Authorization: Bearer ${token}`,
    status: 404,
    reason: "path",
  },
])("$what is answered $status before any WebSocket is opened", async ({ path, header, status, reason }) => {
  const { address, refusals, connections } = await listenAt(addressOf("ws", place), place, {
    credentials: withToken,
  });
  const answer = await answerTo(address, upgrade(path, header));
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.includes("WWW-Authenticate: Bearer\r\n")).toBe(status === 401);
  expect(refusals).toEqual([{ reason, host: "127.0.0.1" }]);
  expect(connections).toEqual([]);
});

test("the right token is accepted, with the names of its rule, even with a query after the path", async () => {
  const { address, connections } = await listenAt(addressOf("ws", place), place, { credentials: withToken });
  await connectAt(address, place, { token });
  await until(() => expect(connections).toHaveLength(1));
  expect([connections[0]!.allows?.("relay-7"), connections[0]!.allows?.("bp-1")]).toEqual([true, false]);
  const socket = await socketTo(address);
  socket.write(upgrade("/nodes?from=here", `authorization: bearer ${token}`));
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 101 /);
});

test.each([
  { what: "a plain request", request: "GET /nodes HTTP/1.1\r\nHost: x\r\n\r\n", status: 426 },
  { what: "garbage", request: "\x16\x03\x01 garbage\r\n\r\n", status: 400 },
])("$what is answered $status", async ({ request, status }) => {
  const { address, refusals } = await listenAt(addressOf("ws", place), place);
  expect(await answerTo(address, request)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(refusals).toMatchObject([{ reason: "not-websocket" }]);
});

test("a handshake of another WebSocket version is refused and counted", async () => {
  const { address, refusals } = await listenAt(addressOf("ws", place), place);
  const request = upgrade("/nodes").replace("Version: 13", "Version: 12");
  expect(await answerTo(address, request)).toMatch(/^HTTP\/1.1 4\d\d /);
  await until(() => expect(refusals).toMatchObject([{ reason: "not-websocket" }]));
});

test.each(["tls", "wss"] as const)(
  "garbage at %s is refused, and OpenSSL's error is reported",
  async (kind) => {
    const { address, refusals } = await listenAt(addressOf(kind, place), place);
    const socket = await socketTo(address);
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await gone(socket);
    expect(refusals).toMatchObject([
      { reason: "tls", host: "127.0.0.1", detail: expect.stringMatching(/http request/) },
    ]);
  },
);

test.each([
  { what: "none", shows: undefined },
  { what: "an expired one", shows: "expired" },
  { what: "a self-signed one of the right name", shows: "self-signed" },
] as const)("if a certificate is required, $what is refused", async ({ shows }) => {
  const { address, refusals, connections } = await listenAt(addressOf("tls", place), place, {
    credentials: withCertificate,
  });
  // TLS 1.3 reports it only on the next read: the client is done before the server has checked.
  const stream = await connectAt(address, place, shows === undefined ? {} : certificate(shows));
  await gone(stream);
  expect(refusals).toMatchObject([{ reason: "tls" }]);
  expect(connections).toEqual([]);
});

test("a certificate that our authority signed for another subject is refused", async () => {
  const { address, refusals, connections } = await listenAt(addressOf("tls", place), place, {
    credentials: withCertificate,
  });
  const stream = await connectAt(address, place, certificate("pool-b"));
  await gone(stream);
  expect(refusals).toEqual([{ reason: "certificate", host: "127.0.0.1" }]);
  await connectAt(address, place, certificate("pool-a"));
  await until(() => expect(connections).toHaveLength(1));
  expect([connections[0]!.allows?.("bp-1"), connections[0]!.allows?.("relay-1")]).toEqual([true, false]);
});

test("with rules for tokens and for subjects either is enough, and both together allow the names of both", async () => {
  const { address, connections, refusals } = await listenAt(addressOf("wss", place), place, {
    credentials: either,
  });
  const allowed = async (shown: Parameters<typeof connectAt>[2]) => {
    const before = connections.length;
    await connectAt(address, place, shown);
    await until(() => expect(connections).toHaveLength(before + 1));
    return ["relay-1", "bp-1"].filter((name) => connections.at(-1)!.allows?.(name));
  };
  expect(await allowed({ token })).toEqual(["relay-1"]);
  expect(await allowed(certificate("pool-a"))).toEqual(["bp-1"]);
  expect(await allowed({ ...certificate("pool-a"), token })).toEqual(["relay-1", "bp-1"]);
  await expect(connectAt(address, place, certificate("self-signed"))).rejects.toThrow("it answered 401");
  await expect(connectAt(address, place, { ...certificate("pool-a"), token: "wrong" })).rejects.toThrow(
    "it answered 401 Unauthorized: it does not accept our credentials",
  );
  expect(refusals.map(({ reason }) => reason)).toEqual(["token", "token"]);
});

test("a token does not replace a required certificate", async () => {
  const { address, connections } = await listenAt(addressOf("wss", place), place, {
    credentials: { ...withToken, clientCa: authority },
  });
  await expect(connectAt(address, place, { token })).rejects.toThrow();
  await connectAt(address, place, { ...certificate("pool-b"), token });
  await until(() => expect(connections).toHaveLength(1));
});

test.each(["tls", "wss"] as const)(
  "Muninn refuses to use %s to a server with the wrong certificate",
  async (kind) => {
    for (const [shows, reason] of [
      ["expired-server", /certificate has expired/],
      ["self-signed", /self[- ]signed certificate/],
      ["elsewhere", /does not match certificate's altnames/],
    ] as const) {
      const { address, connections } = await listenAt(addressOf(kind, place), place, {
        credentials: { ...certificate(shows), access: "anyone" },
      });
      await expect(connectAt(address, place)).rejects.toThrow(reason);
      expect(connections).toEqual([]);
    }
    const { address } = await listenAt(addressOf(kind, place), place, {
      credentials: { ...certificate("elsewhere"), access: "anyone" },
    });
    await connectAt(address, place, { serverName: "elsewhere.example" });
  },
);

test.each(doorKinds)(
  "a probe of %s that connects and leaves silently does not count as a refusal",
  async (kind) => {
    const { address, refusals } = await listenAt(addressOf(kind, place), place);
    for (let probe = 0; probe < 15; probe += 1) {
      const socket = await socketTo(address);
      socket.end();
      await gone(socket);
    }
    await connectAt(address, place);
    expect(refusals).toEqual([]);
  },
);

test.each(doorKinds)("a peer of %s that takes too long is disconnected", async (kind) => {
  const { address, refusals } = await listenAt(addressOf(kind, place), place, { handshakeTimeoutMs: 30 });
  const socket = await socketTo(address);
  await gone(socket);
  expect(refusals).toMatchObject([{ reason: "timeout" }]);
});

test("a peer that was accepted may then be silent for any time", async () => {
  const { address, connections } = await listenAt(addressOf("wss", place), place, {
    handshakeTimeoutMs: 200,
  });
  const stream = await connectAt(address, place);
  await until(() => expect(connections).toHaveLength(1));
  await new Promise((resolve) => setTimeout(resolve, 400));
  stream.write("here");
  expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("here");
});

test.each(["tls", "wss"] as const)(
  "an address that %s has refused ten times is disconnected at once",
  async (kind) => {
    const { address, refusals, connections } = await listenAt(addressOf(kind, place), place);
    const inside = await connectAt(address, place);
    await until(() => expect(connections).toHaveLength(1));
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const socket = await socketTo(address);
      socket.write("garbage, garbage, garbage\r\n\r\n");
      await gone(socket);
    }
    const reasons = refusals.map(({ reason }) => reason);
    expect(reasons).toEqual([...new Array(10).fill("tls"), "must-wait", "must-wait"]);
    await expect(connectAt(address, place)).rejects.toThrow();
    // Open connections are not affected.
    inside.write("still here");
    expect(String((await once(connections[0]!.stream, "data"))[0])).toBe("still here");
  },
);

test("behind a reverse proxy with one address for all, only clients without the right token wait", async () => {
  const { address, refusals, connections } = await listenAt(addressOf("ws", place), place, {
    credentials: withToken,
  });
  const statuses: (string | undefined)[] = [];
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const answer = await answerTo(address, upgrade("/nodes", "Authorization: Bearer wrong"));
    statuses.push(answer.split(" ")[1]);
  }
  expect(statuses).toEqual([...new Array(10).fill("401"), "429", "429"]);
  expect(refusals.at(-1)).toEqual({ reason: "must-wait", host: "127.0.0.1" });
  await connectAt(address, place, { token });
  await until(() => expect(connections).toHaveLength(1));
});

test.each(["ws", "wss"] as const)(
  "%s: through a trusted proxy each client counts with its own address, which it cannot choose",
  async (kind) => {
    const { address, refusals, connections } = await listenAt(addressOf(kind, place), place, {
      credentials: withToken,
      trustedProxies: [parseNetwork("127.0.0.0/8"), parseNetwork("10.1.0.0/16")],
    });
    const proxied = (shown: string, forwardedFor: string) =>
      new Promise<number>((resolve) => {
        const peer = new WebSocket(formatLinkAddress(address), {
          ca: authority,
          headers: { authorization: `Bearer ${shown}`, "x-forwarded-for": forwardedFor },
        });
        place.atEnd(() => peer.terminate());
        peer.on("error", () => {});
        peer.once("open", () => resolve(101));
        peer.once("unexpected-response", (_, { statusCode = 0 }) => resolve(statusCode));
      });
    const statuses: number[] = [];
    // A client may write anything in front of what the proxies add.
    for (let attempt = 0; attempt < 11; attempt += 1)
      statuses.push(await proxied("wrong", `203.0.113.9, 198.51.100.${attempt}, 203.0.113.5, 10.1.2.3`));
    expect(statuses).toEqual([...new Array(10).fill(401), 429]);
    expect(new Set(refusals.map(({ host }) => host))).toEqual(new Set(["203.0.113.5"]));
    expect(await proxied("wrong", "203.0.113.9")).toBe(401);
    expect(await proxied(token, "[2001:db8::7]:4711")).toBe(101);
    expect(await proxied(token, "no address")).toBe(101);
    await until(() => expect(connections).toHaveLength(2));
    const hosts = connections.map(({ peer }) => peer.replace(/:\d+$/, ""));
    expect(hosts).toEqual(["[2001:db8::7]", "127.0.0.1"]);
  },
);

test("a peer that is not a trusted proxy counts with its own address, whatever it claims", async () => {
  const { address, refusals } = await listenAt(addressOf("ws", place), place, {
    credentials: withToken,
    trustedProxies: [parseNetwork("10.1.0.0/16")],
  });
  await answerTo(address, upgrade("/nodes", "X-Forwarded-For: 203.0.113.5"));
  expect(refusals.map(({ host }) => host)).toEqual(["127.0.0.1"]);
});

test("an address may have only a limited number of unfinished handshakes", async () => {
  const { address, refusals, connections } = await listenAt(addressOf("wss", place), place, {
    maxConnections: 1_000,
  });
  const slow = await Promise.all(Array.from({ length: 257 }, () => socketTo(address)));
  await until(() => expect(refusals).toEqual([{ reason: "too-many", host: "127.0.0.1" }]));
  for (const socket of slow) socket.destroy();
  await until(() => expect(slow.every(({ closed }) => closed)).toBe(true));
  await vi.waitFor(() => connectAt(address, place), { timeout: 20_000 });
  await until(() => expect(connections).toHaveLength(1));
});

test("connections beyond the limit shared by several listeners are closed, and ended ones free their place", async () => {
  const { Room } = await import("../../../src/transport/room.js");
  const room = new Room(2);
  const onTooMany = vi.fn();
  const doors = await Promise.all(
    [addressOf("tcp", place), addressOf("ws", place)].map((address) =>
      listenAt(address, place, { room, onTooMany }),
    ),
  );
  const first = await connectAt(doors[0]!.address, place);
  await connectAt(doors[1]!.address, place);
  await expect(connectAt(doors[1]!.address, place)).rejects.toThrow();
  expect(onTooMany.mock.calls).toEqual([[2]]);
  first.destroy();
  doors[0]!.connections[0]!.stream.destroy();
  await vi.waitFor(() => connectAt(doors[1]!.address, place), { timeout: 20_000 });
});

test("all kinds of ends free their place in the limit", async () => {
  const { Room } = await import("../../../src/transport/room.js");
  const room = new Room(3);
  const { address, connections } = await listenAt(addressOf("wss", place), place, {
    room,
    credentials: withToken,
  });
  for (let round = 0; round < 3; round += 1) {
    const socket = await socketTo(address);
    socket.end();
    await expect(connectAt(address, place, { token: "wrong" })).rejects.toThrow();
    const stream = await connectAt(address, place, { token });
    await until(() => expect(connections).toHaveLength(round + 1));
    stream.destroy();
    connections[round]!.stream.resume().end();
    await until(() => expect(connections[round]!.stream.closed).toBe(true));
  }
  await until(() => {
    const places = [room.enter(), room.enter(), room.enter()];
    for (const taken of places) if (taken) room.leave();
    expect(places).toEqual([true, true, true]);
  });
});

test("of thousands of requests in one piece HTTP reads one", async () => {
  const { address, refusals } = await listenAt(addressOf("ws", place), place);
  const read: unknown[] = [];
  const count = (request: unknown) => read.push(request);
  subscribe("http.server.request.start", count);
  place.atEnd(() => unsubscribe("http.server.request.start", count));
  const answer = await answerTo(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2_000));
  expect(answer).toMatch(/^HTTP\/1.1 426 /);
  expect(read).toHaveLength(1);
  expect(refusals).toEqual([{ reason: "not-websocket", host: "127.0.0.1" }]);
});

test.each(["100-continue", "a miracle"])("a request that expects %s is refused at once", async (expected) => {
  const { address, refusals } = await listenAt(addressOf("ws", place), place);
  const request = `POST /nodes HTTP/1.1\r\nHost: x\r\nExpect: ${expected}\r\nContent-Length: 9\r\n\r\n`;
  expect(await answerTo(address, request)).toMatch(/^HTTP\/1.1 426 /);
  expect(refusals).toEqual([{ reason: "not-websocket", host: "127.0.0.1" }]);
});

test.each([1, 3, 1_000])(
  "a head is recognized in pieces of %i bytes, and what follows is not lost",
  async (size) => {
    const { address, connections } = await listenAt(addressOf("ws", place), place);
    const frame = Buffer.from([0x82, 0x83, 0, 0, 0, 0, ...Buffer.from("abc")]);
    const sent = Buffer.concat([Buffer.from(upgrade("/nodes")), frame, frame]);
    const socket = await socketTo(address);
    socket.setNoDelay(true);
    for (let at = 0; at < sent.length; at += size) {
      socket.write(sent.subarray(at, at + size));
      await new Promise(setImmediate);
    }
    await until(() => expect(connections).toHaveLength(1));
    let text = "";
    connections[0]!.stream.on("data", (piece: Buffer) => {
      text += String(piece);
    });
    await until(() => expect(text).toBe("abcabc"));
  },
);

test("peers that are being checked when the door closes are not refused", async () => {
  const { listener, address, refusals } = await listenAt(addressOf("ws", place), place);
  const socket = await socketTo(address);
  socket.write("GET /nodes HTTP/1.1\r\n");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await listener.stop();
  await gone(socket);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(refusals).toEqual([]);
});
