import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "../../src/testing/eventually.js";
import { NumberedSource } from "../../src/testing/numbered-source.js";
import type { SimulatedNode } from "../../src/testing/simulated-node.js";
import { simulatedNode } from "../../src/testing/simulated-node.js";
import { parseLinkAddress } from "../../src/transport/address.js";
import type { Connection } from "../../src/transport/connection.js";
import { openListener } from "../../src/transport/listener.js";
import { expectAllInOrder } from "../end-to-end/arrival.js";
import { type Daemon, freePort, pages, Workplace } from "../end-to-end/daemon.js";
import { linkedNode } from "../end-to-end/linked-nodes.js";
import { authority, certificate, certificateFile } from "../transport/certificates.js";

// Every field of `muninn.links`, in a running daemon, before and after a reload.

const token = "a-token-of-16-signs";
const serverTls = {
  certificateFile: certificateFile("server"),
  certificateKeyFile: certificateFile("server-key"),
};
const count = 300;

let place: Workplace;
let nodes: SimulatedNode[] = [];

beforeEach(async () => {
  place = await Workplace.open();
  nodes = [];
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await place[Symbol.asyncDispose]();
});

async function start(...links: object[]): Promise<Daemon> {
  return place.start({ ...pages, muninn: { links } });
}

async function node(...given: Parameters<typeof linkedNode>): Promise<SimulatedNode> {
  const started = await linkedNode(...given);
  nodes.push(started);
  return started;
}

/** An address to listen on. */
async function somewhere(kind: string): Promise<string> {
  const port = await freePort("127.0.0.1");
  return `${kind}://127.0.0.1:${port}${kind.startsWith("ws") ? "/nodes" : ""}`;
}

async function expectWhole(daemon: Daemon, name: string): Promise<void> {
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf(name), count);
}

async function stateOf(daemon: Daemon, check: string): Promise<string | undefined> {
  const report = (await (await daemon.page("/healthz")).json()) as {
    checks: { name: string; state: string }[];
  };
  return report.checks.find(({ name }) => name === check)?.state;
}

describe("listen", () => {
  test.each(["unix", "tcp", "tls", "ws", "wss"])(
    "%s: a node's lines arrive, as do those over network",
    async (kind) => {
      const listen = kind === "unix" ? `unix:${place.path("link.sock")}` : await somewhere(kind);
      const isSecure = kind === "tls" || kind === "wss";
      const asks = isSecure || kind === "ws";
      const daemon = await start({
        listen,
        ...(isSecure && { tls: serverTls }),
        ...(asks && { access: "anyone" }),
      });
      expect(await stateOf(daemon, `link:${listen}`)).toBe("ok");
      await node(listen, { name: "far", count });
      await node(`unix:${place.socket}`, { name: "near", count });
      await expectWhole(daemon, "far");
      expectAllInOrder(await place.linesOf("near"), count);
    },
  );

  test("an address in use stops the start with one sentence that names it", async () => {
    const listen = `unix:${place.path("link.sock")}`;
    const { stop } = await openListener({
      address: parseLinkAddress(listen),
      maxConnections: 1,
      run: async () => false,
      onTooMany: () => {},
    });
    const second = await place.launch({ muninn: { links: [{ listen }] } });
    expect(await second.exited).toBe(1);
    expect(JSON.stringify(second.log)).toContain("link.sock is in use: another tracer");
    await stop();
  });

  test("connections of several listeners have different ids, and maxConnections applies to all together", async () => {
    const listen = `unix:${place.path("link.sock")}`;
    const daemon = await place.start({ ...pages, muninn: { maxConnections: 2, links: [{ listen }] } });
    await node(listen, { name: "same", count });
    await daemon.logged("node_connected", ({ connection }) => connection === "unix-1");
    await node(`unix:${place.socket}`, { name: "other", count });
    await daemon.logged("node_connected", ({ connection }) => connection === "unix-2");
    await node(listen, { name: "third", count });
    await daemon.logged("connections_turned_away");
  });
});

describe("access", () => {
  test("tokenFile and nodes: the right name is accepted, and another is refused, counted and not written", async () => {
    await writeFile(place.path("relay.token"), `${token}\nnot looked at\n`);
    const listen = await somewhere("ws");
    const access = [{ tokenFile: place.path("relay.token"), nodes: ["relay-*"] }];
    const daemon = await start({ listen, access });
    await expect(node(listen, { name: "relay-1", count }, { token: "wrong" })).rejects.toThrow("401");
    await node(listen, { name: "bp-1", count }, { token });
    const { msg, reason } = await daemon.logged("connection_failed");
    expect([reason, msg]).toEqual([
      "name-not-allowed",
      expect.stringMatching(/it calls itself bp-1, and its credentials are for other nodes$/),
    ]);
    const metrics = await (await daemon.page("/metrics/self")).text();
    expect(metrics).toContain('muninn_connections_ended_total{reason="name-not-allowed"} 1');
    expect(metrics).toContain('muninn_link_refusals_total{reason="token"} 1');
    await daemon.logged("link_refused", (line) => line.reason === "token");
    nodes = [];
    await node(listen, { name: "relay-1", count }, { token });
    await expectWhole(daemon, "relay-1");
    await expect(place.linesOf("bp-1")).rejects.toThrow("ENOENT");
  });

  test("a node without a name is refused, unless * is allowed", async () => {
    await writeFile(place.path("some.token"), token);
    await writeFile(place.path("any.token"), `${token}${token}`);
    const listen = await somewhere("ws");
    const daemon = await start({
      listen,
      access: [
        { tokenFile: place.path("some.token"), nodes: ["relay-*"] },
        { tokenFile: place.path("any.token"), nodes: ["*"] },
      ],
    });
    await node(listen, { name: "", count }, { token });
    const { msg } = await daemon.logged("connection_failed");
    expect(msg).toMatch(/it gives no name, and its credentials are only for nodes with certain names$/);
    nodes = [];
    await node(listen, { name: "", count }, { token: `${token}${token}` });
    await expectWhole(daemon, "127.0.0.1-1");
  });

  test("clientCaFile and subject: only the holder of the certificate may bring its nodes", async () => {
    const listen = await somewhere("tls");
    const daemon = await start({
      listen,
      tls: { ...serverTls, clientCaFile: certificateFile("ca") },
      access: [{ subject: "CN=pool-a, O=Pool A", nodes: ["bp-*"] }],
    });
    for (const [shown, reason] of [
      [undefined, "tls"],
      ["expired", "tls"],
      ["self-signed", "tls"],
      ["pool-b", "certificate"],
    ] as const) {
      const refused = await node(listen, { name: "bp-1", count }, shown && certificate(shown));
      await daemon.logged("link_refused", (line) => line.reason === reason);
      await refused.stop();
    }
    nodes = [];
    await node(listen, { name: "bp-1", count }, certificate("pool-a"));
    await expectWhole(daemon, "bp-1");
  });
});

test("connect: the tracer connects to a node with token, certificate and serverName, and health shows the state", async () => {
  await writeFile(place.path("node.token"), token);
  const connections: Connection[] = [];
  const at = await somewhere("wss");
  const connect = at;
  const daemon = await place.start({
    ...pages,
    muninn: {
      reconnect: { initial: "20ms", max: "100ms" },
      links: [
        {
          connect,
          tokenFile: place.path("node.token"),
          tls: {
            caFile: certificateFile("ca"),
            serverName: "elsewhere.example",
            certificateFile: certificateFile("pool-a"),
            certificateKeyFile: certificateFile("pool-a-key"),
          },
        },
      ],
    },
  });
  expect(await stateOf(daemon, `link:${connect}`)).toBe("degraded");
  const listener = await openListener({
    address: parseLinkAddress(at),
    maxConnections: 10,
    credentials: {
      ...certificate("elsewhere"),
      clientCa: authority,
      access: [{ token, nodes: ["*"] }],
    },
    onTooMany: () => {},
    run: async (connection) => {
      connections.push(connection);
      const { stream } = connection;
      const source = new NumberedSource({ name: "listening", count });
      nodes.push(await simulatedNode({ source, network: { mode: "stream", stream, side: "listener" } }));
      return true;
    },
  });
  await eventually(async () => expect(await stateOf(daemon, `link:${connect}`)).toBe("ok"));
  await nodes[0]!.finished;
  await listener.stop();
  await expectWhole(daemon, "listening");
});

test("trustedProxies: nodes behind them have their own addresses", async () => {
  const listen = await somewhere("ws");
  const daemon = await start({ listen, access: "anyone", trustedProxies: ["127.0.0.1"] });
  const peer = new WebSocket(listen, { headers: { "x-forwarded-for": "203.0.113.5" } });
  peer.on("error", () => {});
  await once(peer, "open");
  peer.send(Buffer.from("no handshake"));
  const { peer: said } = await daemon.logged("connection_failed");
  expect(said).toMatch(/^203\.0\.113\.5:\d+$/);
});

test("muninn.handshakeTimeout ends a connection to a link whose WebSocket does not open", async () => {
  const listen = await somewhere("ws");
  await place.start({ muninn: { handshakeTimeout: "200ms", links: [{ listen, access: "anyone" }] } });
  const startedAt = performance.now();
  const silent = connect(Number(new URL(listen).port), "127.0.0.1");
  silent.on("error", () => {});
  silent.resume();
  await once(silent, "close");
  // Without it: ten seconds.
  expect(performance.now() - startedAt).toBeLessThan(8_000);
});

test("a reload that finds one link's files unusable changes none of the links", async () => {
  const [first, second] = [place.path("first.token"), place.path("second.token")];
  for (const file of [first, second]) await writeFile(file, token);
  const links = await Promise.all(
    [first, second].map(async (tokenFile) => ({
      listen: await somewhere("ws"),
      access: [{ tokenFile, nodes: ["*"] }],
    })),
  );
  const daemon = await start(...links);
  await writeFile(first, "another-token-of-16");
  await writeFile(second, "short");
  daemon.signal("SIGHUP");
  const { msg } = await daemon.logged("reload_failed");
  expect(msg).toContain("second.token");
  await node(links[0]!.listen, { name: "first", count }, { token });
  await expectWhole(daemon, "first");
});

test("SIGHUP reads the token again that the tracer shows where it connects", async () => {
  await writeFile(place.path("node.token"), "a-token-that-is-no-longer-right");
  const at = await somewhere("ws");
  const listener = await openListener({
    address: parseLinkAddress(at),
    maxConnections: 10,
    credentials: { access: [{ token, nodes: ["*"] }] },
    onTooMany: () => {},
    run: async ({ stream }) => {
      const source = new NumberedSource({ name: "listening", count });
      nodes.push(await simulatedNode({ source, network: { mode: "stream", stream, side: "listener" } }));
      return true;
    },
  });
  const daemon = await place.start({
    ...pages,
    muninn: {
      reconnect: { initial: "20ms", max: "100ms" },
      links: [{ connect: at, tokenFile: place.path("node.token") }],
    },
  });
  expect(await stateOf(daemon, `link:${at}`)).toBe("degraded");
  await writeFile(place.path("node.token"), token);
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  // An address that failed ten times a minute waits, so it may take a while.
  await eventually(() => expect(nodes).toHaveLength(1), { withinMs: 90_000 });
  await nodes[0]!.finished;
  await listener.stop();
  await expectWhole(daemon, "listening");
});

test("SIGHUP reads certificates and tokens again: open connections stay, and new ones see the new certificate", async () => {
  const [certificateName, keyName, tokenName] = ["server.pem", "key.pem", "relay.token"].map((name) =>
    place.path(name),
  );
  const write = async (name: "server" | "renewed", text: string) => {
    const { cert, key } = certificate(name);
    await writeFile(certificateName!, cert);
    await writeFile(keyName!, key);
    await writeFile(tokenName!, text);
  };
  await write("server", token);
  const listen = await somewhere("wss");
  const daemon = await start({
    listen,
    tls: { certificateFile: certificateName, certificateKeyFile: keyName },
    access: [{ tokenFile: tokenName, nodes: ["*"] }],
  });
  await node(listen, { name: "first", rate: 200 }, { token });
  await daemon.logged("node_connected");
  await write("renewed", "another-token-of-16");
  daemon.signal("SIGHUP");
  await daemon.logged("reloaded");
  await expect(node(listen, { name: "second", count }, { token })).rejects.toThrow("401");
  await node(listen, { name: "second", count }, { token: "another-token-of-16" });
  const seen = (await place.linesOf("first")).length;
  await eventually(async () => expect((await place.linesOf("first")).length).toBeGreaterThan(seen));
  await writeFile(tokenName!, "short");
  daemon.signal("SIGHUP");
  const { msg } = await daemon.logged("reload_failed");
  expect(msg).toContain("muninn.links[0].access[0].tokenFile: ");
  expect(msg).not.toContain('"short"');
  expect(await stateOf(daemon, "configuration")).not.toBe("ok");
  await node(listen, { name: "third", count }, { token: "another-token-of-16" });
  await daemon.logged("node_connected", (line) => line.node === "third");
});
