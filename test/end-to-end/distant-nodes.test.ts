import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../src/testing/eventually.js";
import { faultyLink } from "../../src/testing/faulty-link.js";
import { parseLinkAddress } from "../../src/transport/address.js";
import { type Relay, startRelay } from "../../src/transport/relay.js";
import { authority, certificateFile } from "../transport/certificates.js";
import { expectAllInOrder } from "./arrival.js";
import { type Daemon, freePort, pages, Workplace } from "./daemon.js";
import { linkedNode } from "./linked-nodes.js";
import { nodeAt } from "./nodes.js";
import { missingNginx, missingTinyproxy, nginx, tinyproxy } from "./proxies.js";
import { expectLossesOnlyAtBreaks } from "./verified.js";

// Nodes behind relays, proxies and bad links; everything is real except the nodes.

const token = "a-token-of-16-signs";
let place: Workplace;
const ends: (() => Promise<unknown>)[] = [];
const environment = { ...process.env };

beforeEach(async () => {
  place = await Workplace.open();
  await writeFile(place.path("relay.token"), token);
});
afterEach(async () => {
  process.env = { ...environment };
  for (const end of ends.splice(0).reverse()) await end();
  await place[Symbol.asyncDispose]();
});

async function tracerAt(address: string, secure: boolean): Promise<Daemon> {
  const tls = {
    certificateFile: certificateFile("server"),
    certificateKeyFile: certificateFile("server-key"),
  };
  const access = [{ tokenFile: place.path("relay.token"), nodes: ["node-*"] }];
  return place.start({ ...pages, muninn: { links: [{ listen: address, ...(secure && { tls }), access }] } });
}

/** A relay to a port of this machine. */
async function relayTo(port: number): Promise<Relay> {
  const relay = await startRelay({
    listen: { kind: "unix", path: place.path("relay.sock") },
    to: parseLinkAddress(`wss://127.0.0.1:${port}/nodes`),
    credentials: async () => ({ ca: authority, token }),
    maxConnections: 100,
    observer: { changed: () => {}, unreachable: () => {}, reachedAgain: () => {}, tooMany: () => {} },
  });
  ends.push(() => relay.stop(1_000));
  return relay;
}

async function allArrive(daemon: Daemon, names: readonly string[], count: number): Promise<void> {
  const nodes = await Promise.all(names.map((name) => nodeAt(place.path("relay.sock"), { name, count })));
  await Promise.all(nodes.map((node) => node.finished));
  await Promise.all(nodes.map((node) => node.stop()));
  expect(await daemon.stop()).toBe(0);
  for (const name of names) expectAllInOrder(await place.linesOf(name), count);
}

describe("through a real nginx that ends TLS", () => {
  test("every line of several nodes arrives in order", async (ctx) => {
    if (missingNginx) ctx.skip(missingNginx);
    const port = await freePort("127.0.0.1");
    const daemon = await tracerAt(`ws://127.0.0.1:${port}/nodes`, false);
    await using proxy = await nginx(place, port);
    await relayTo(proxy.port);
    await allArrive(daemon, ["node-1", "node-2", "node-3"], 5_000);
  });

  test("a flood of wrong tokens from the proxy's address does not lock out a relay with the right one", async (ctx) => {
    if (missingNginx) ctx.skip(missingNginx);
    const port = await freePort("127.0.0.1");
    const daemon = await tracerAt(`ws://127.0.0.1:${port}/nodes`, false);
    await using proxy = await nginx(place, port);
    const wss = `wss://127.0.0.1:${proxy.port}/nodes`;
    for (let attempt = 0; attempt < 30; attempt += 1) {
      await expect(linkedNode(wss, { name: "node-x", count: 1 }, { token: "wrong" })).rejects.toThrow(
        /4\d\d/,
      );
    }
    await relayTo(proxy.port);
    await allArrive(daemon, ["node-1"], 1_000);
  });
});

describe("through a real CONNECT proxy", () => {
  test("every line arrives, and NO_PROXY bypasses the proxy", async (ctx) => {
    if (missingTinyproxy) ctx.skip(missingTinyproxy);
    const port = await freePort("127.0.0.1");
    const daemon = await tracerAt(`wss://127.0.0.1:${port}/nodes`, true);
    await using proxy = await tinyproxy(place);
    process.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    delete process.env.NO_PROXY;
    delete process.env.no_proxy;
    await relayTo(port);
    const through = `CONNECT 127.0.0.1:${port}`;
    const requests = async () => (await readFile(proxy.logFile, "utf8")).split(through).length - 1;
    const first = await nodeAt(place.path("relay.sock"), { name: "node-1", count: 5_000 });
    await first.finished;
    await first.stop();
    await eventually(async () => expect(await requests()).toBe(1));
    process.env.NO_PROXY = "127.0.0.1";
    const second = await nodeAt(place.path("relay.sock"), { name: "node-2", count: 1_000 });
    await second.finished;
    await second.stop();
    expect(await requests()).toBe(1);
    expect(await daemon.stop()).toBe(0);
    expectAllInOrder(await place.linesOf("node-1"), 5_000);
    expectAllInOrder(await place.linesOf("node-2"), 1_000);
  });

  test("an error says that the proxy is absent or refuses", async (ctx) => {
    if (missingTinyproxy) ctx.skip(missingTinyproxy);
    await using proxy = await tinyproxy(place);
    delete process.env.NO_PROXY;
    process.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    const nobody = `wss://127.0.0.1:${await freePort("127.0.0.1")}/nodes`;
    await expect(linkedNode(nobody, { name: "x" })).rejects.toThrow(
      new RegExp(`the proxy 127.0.0.1:${proxy.port}: answered 5\\d\\d`),
    );
    const closed = await freePort("127.0.0.1");
    process.env.HTTPS_PROXY = `http://127.0.0.1:${closed}`;
    await expect(linkedNode(nobody, { name: "x" })).rejects.toThrow(
      `the proxy 127.0.0.1:${closed}: connect ECONNREFUSED`,
    );
  });
});

test("with breaks, stalls and 100 ms each way, all that is sent after a break arrives, and nothing is torn, doubled or out of order", async () => {
  const port = await freePort("127.0.0.1");
  const daemon = await tracerAt(`wss://127.0.0.1:${port}/nodes`, true);
  await using link = await faultyLink({
    to: { kind: "tcp", host: "127.0.0.1", port },
    latencyMs: 50,
    cutAfterBytes: [20_000, 200_000],
  });
  await relayTo((link.address as { port: number }).port);
  const node = await nodeAt(place.path("relay.sock"), { name: "node-1", count: 10_000 });
  await eventually(() => expect(link.connections.made).toBeGreaterThan(2));
  link.stalls();
  await new Promise((resolve) => setTimeout(resolve, 100));
  link.heals();
  await node.finished;
  await node.stop();
  expect(await daemon.stop()).toBe(0);
  await expectLossesOnlyAtBreaks(place, "node-1", node);
});

test("during a flood of refused handshakes a healthy node loses nothing, and the event loop never stalls for long", async () => {
  const port = await freePort("127.0.0.1");
  const listen = `wss://127.0.0.1:${port}/nodes`;
  const daemon = await tracerAt(listen, true);
  const healthy = await linkedNode(listen, { name: "node-1", count: 20_000 }, { token });
  let flooding = true;
  let longestMs = 0;
  const flood = Array.from({ length: 20 }, async () => {
    while (flooding) {
      await linkedNode(listen, { name: "node-x" }, { token: "wrong" }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  const watch = (async () => {
    while (flooding) {
      const begun = performance.now();
      await (await daemon.page("/livez").catch(() => daemon.page("/metrics/self"))).text();
      longestMs = Math.max(longestMs, performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await healthy.finished;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  flooding = false;
  await Promise.all([...flood, watch]);
  await healthy.stop();
  expect(daemon.log.filter(({ event }) => event === "link_refused").length).toBeLessThan(8);
  expect(await daemon.stop()).toBe(0);
  expectAllInOrder(await place.linesOf("node-1"), 20_000);
  expect(longestMs).toBeLessThan(2_000);
});
