import { once } from "node:events";
import type { Socket } from "node:net";
import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import type { Attack, Target } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { expectServed, get, upgrade, withClients } from "./http.js";
import { manyMetrics, seconds } from "./metrics.js";

type Endpoint = "prometheus" | "ekg" | "ui" | "health" | "timeseries";

const config = { muninn: { ui: { host: "127.0.0.1", port: 0 } } };

async function addressOf({ daemon }: Target, endpoint: Endpoint): Promise<string> {
  const { served } = (await daemon.logged("started")) as unknown as { served: Record<string, string> };
  return served[endpoint]!;
}

/** Headers of the greatest allowed length that are slow to parse, by their content. */
const heads: Readonly<Record<string, readonly [Endpoint, string]>> = {
  "thousands of encodings": ["prometheus", get("/livez", `Accept-Encoding: ${"a,".repeat(7_800)}\r\n`)],
  "thousands of media types": ["prometheus", get("/metrics", `Accept: ${"a/b,".repeat(3_900)}\r\n`)],
  "thousands of proxies": [
    "ui",
    get("/api/live", `${upgrade}Origin: http://x.y\r\nX-Forwarded-Host: ${"a,".repeat(7_500)}\r\n`),
  ],
  "thousands of headers": [
    "prometheus",
    get("/metrics", Array.from({ length: 1_900 }, (_, index) => `h${index}:\r\n`).join("")),
  ],
  "thousands of parameters": ["ui", get(`/api/live?${"namespace=a&".repeat(990)}`, upgrade)],
  "large classes of characters": [
    "ui",
    get(`/api/live?regex=${encodeURIComponent(`(?i)[${"\\pL".repeat(120)}]`)}`, upgrade),
  ],
  "a request for a compressed page": ["ui", get("/", "Accept-Encoding: gzip\r\n")],
};

/** All are connected before the first sends anything. */
function atTheSameTime(endpoint: Endpoint, head: string): Attack["run"] {
  return async (target) => {
    const address = await addressOf(target, endpoint);
    for (let round = 0; round < target.pick(2, 5); round += 1) {
      await withClients(address, target.pick(300, 2_000), "", async (clients) => {
        await Promise.all(clients.map(connected));
        for (const client of clients) client.write(head);
        await seconds(target.pick(1, 2));
      });
    }
  };
}

async function connected(client: Socket): Promise<void> {
  if (client.connecting) await once(client, "connect").catch(() => {});
}

/** A frame of a client, with a mask of zeros: opcode, and no payload. */
const emptyFrame = (first: number) => Buffer.from([first, 0x80, 0, 0, 0, 0]);
const ping = emptyFrame(0x89);

/** Viewers that send the same frames endlessly. */
function withoutEnd(endpoint: Endpoint, path: string, begin: Uint8Array, frame: Uint8Array): Attack["run"] {
  return async (target) => {
    const address = await addressOf(target, endpoint);
    const frames = Buffer.alloc(10_000 * frame.length, frame);
    await withClients(address, target.pick(40, 120), get(path, upgrade), async (clients) => {
      await Promise.all(clients.map((client) => Promise.race([once(client, "data"), seconds(2)])));
      for (const client of clients) client.write(begin);
      const until = performance.now() + target.pick(3, 10) * 1_000;
      while (performance.now() < until) {
        for (const client of clients) if (client.writableLength < 100_000) client.write(frames);
        await seconds(0.02);
      }
    });
  };
}

/** Attacks by clients' requests. */
export const requests: readonly Attack[] = [
  ...Object.entries(heads).map(
    ([what, [endpoint, head]]): Attack => ({
      name: `many requests at the same time, with ${what}`,
      config,
      run: atTheSameTime(endpoint, head),
    }),
  ),
  {
    name: "viewers of the page that send endless pings",
    config,
    run: withoutEnd("ui", "/api/live", ping, ping),
  },
  {
    name: "viewers of a node whose messages never end",
    run: withoutEnd("ekg", "/healthy", emptyFrame(0x01), emptyFrame(0x00)),
  },
  {
    name: "many viewers at once of nodes with as many metrics as are allowed",
    onlyWhole: true,
    run: ({ socket, ekg }) => {
      let given = 0;
      const answers = [0, 1, 2].map((n) => manyMetrics(9_900, `metric.number.${n}.`));
      return withPeers(
        socket,
        45,
        (index) => ({ name: `v-${index}`, metrics: () => answers[given++ % answers.length]! }),
        async (peers) => {
          await Promise.all(peers.map((peer) => peer.send(miniProtocols.metrics, answers[0]!)));
          await seconds(3);
          await withClients(ekg, 250, "", async (clients) => {
            await Promise.all(clients.map(connected));
            for (const [index, client] of clients.entries()) client.write(get(`/v-${index % 45}`, upgrade));
            await seconds(10);
          });
        },
      );
    },
  },
  {
    name: "clients at all endpoints that send more than is read, all at the same moment",
    config: {
      hasTimeseries: { epHost: "127.0.0.1", epPort: 0 },
      muninn: { ui: { host: "127.0.0.1", port: 0 } },
    },
    run: async (target) => {
      const endpoints: readonly Endpoint[] = ["prometheus", "ekg", "ui", "timeseries"];
      const addresses = await Promise.all(endpoints.map((endpoint) => addressOf(target, endpoint)));
      // More would fill what the kernel allows all connections of the machine together.
      const piece = get("/metrics").repeat(2_000);
      const flood = (address: string) =>
        withClients(address, target.pick(300, 2_040), "", async (clients) => {
          await Promise.all(clients.map(connected));
          for (const client of clients) client.pause().write(piece);
          await seconds(target.pick(2, 6));
        });
      await Promise.all(addresses.map(flood));
      await expectServed(await addressOf(target, "health"), "/healthz");
    },
    bounds: { memoryMiB: 64 },
  },
  {
    name: "clients that take every place of the health endpoint and read nothing",
    run: async (target) => {
      const health = await addressOf(target, "health");
      const piece = get("/healthz").repeat(1_000);
      await withClients(health, 160, "", async (clients) => {
        for (const client of clients) client.pause();
        const until = performance.now() + target.pick(4, 12) * 1_000;
        while (performance.now() < until) {
          for (const client of clients)
            if (client.writable && client.writableLength < 100_000) client.write(piece);
          await seconds(0.05);
          await expectServed(health, "/healthz");
        }
      });
    },
  },
];
