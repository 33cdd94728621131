import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Attack, Target } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { manyMetrics, seconds } from "./metrics.js";

/** This many clients that each send a text and read nothing; all closed at the end of `use`. */
export async function withClients(
  address: string,
  count: number,
  text: string | Uint8Array,
  use: (clients: readonly Socket[]) => Promise<unknown>,
): Promise<void> {
  const [host, port] = address.split(":");
  const clients = Array.from({ length: count }, () => {
    const client = connect({ host: host!, port: Number(port) });
    client.setMaxListeners(0).on("error", () => {});
    client.write(text);
    return client;
  });
  try {
    await use(clients);
  } finally {
    for (const client of clients) client.destroy();
  }
}

export function get(path: string, headers = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n${headers}\r\n`;
}

export const upgrade =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/** Fails where somebody who does nothing wrong gets no answer within a second or two. */
export async function expectServed(
  address: string,
  path = "/metrics",
  headers: Record<string, string> = {},
): Promise<void> {
  const answer = await fetch(`http://${address}${path}`, { headers, signal: AbortSignal.timeout(30_000) });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
}

/** Nodes with this many metrics in total, while `use` runs. */
function besideBigStores(use: (target: Target) => Promise<void>): Attack["run"] {
  return (target) => {
    const answer = manyMetrics(9_000, "a.metric.of.some.length.");
    return withPeers(
      target.socket,
      target.pick(8, 22),
      (index) => ({ name: `big-${index}`, metrics: () => answer }),
      async () => {
        await seconds(1);
        await use(target);
      },
    );
  };
}

/** Attacks by clients of the HTTP endpoints. */
export const http: readonly Attack[] = [
  {
    name: "clients that scrape large stores and read nothing",
    run: besideBigStores(async ({ prometheus, pick }) => {
      const one = withClients(prometheus, pick(150, 1_000), get("/metrics"), () => seconds(2));
      const other = withClients(prometheus, pick(50, 200), get("/big-1", "Accept-Encoding: gzip\r\n"), () =>
        seconds(2),
      );
      await Promise.all([one, other]);
      await expectServed(prometheus);
    }),
  },
  {
    name: "clients that scrape one node each and read nothing",
    onlyWhole: true,
    run: besideBigStores(async ({ prometheus, ekg, pick }) => {
      const nodes = Array.from({ length: 8 }, (_, index) => `/big-${index}`);
      await Promise.all([
        ...nodes.map((path) => withClients(prometheus, pick(20, 100), get(path), () => seconds(2))),
        ...nodes.map((path) =>
          withClients(ekg, pick(20, 100), get(path, "Accept: application/json\r\n"), () => seconds(2)),
        ),
      ]);
    }),
  },
  {
    name: "many clients that each send three thousand requests at once",
    run: besideBigStores(async ({ prometheus, pick }) => {
      const requests = get("/metrics").repeat(3_000);
      await withClients(prometheus, pick(30, 100), requests, async () => {
        await seconds(2);
        await expectServed(prometheus, "/healthz");
      });
    }),
  },
  {
    name: "clients that all scrape at the same time, with thousands of nodes",
    run: ({ socket, prometheus, ekg, pick }) =>
      withPeers(
        socket,
        pick(300, 4_000),
        (index) => ({ name: `node-${index % 900}` }),
        async () => {
          await seconds(pick(1, 4));
          const paths = ["/healthz", "/livez", "/metrics", "/", "/targets", "/node-7"];
          const requests = paths.map((path) => get(path)).join("");
          for (let round = 0; round < pick(2, 6); round += 1) {
            await Promise.all([
              withClients(prometheus, pick(200, 2_000), requests.repeat(10), () => seconds(1)),
              withClients(ekg, pick(200, 2_000), get("/", "Accept: text/html\r\n").repeat(10), () =>
                seconds(1),
              ),
            ]);
          }
          await expectServed(prometheus, "/healthz");
        },
      ),
    bounds: { logBytes: 8 * 1_048_576 },
  },
  {
    name: "live pages that read nothing",
    run: besideBigStores(async ({ ekg, pick }) => {
      const asks = (path: string) => get(path, `${upgrade}Origin: http://h\r\n`);
      await Promise.all(
        ["/big-1", "/big-2"].map((path) => withClients(ekg, pick(100, 1_000), asks(path), () => seconds(4))),
      );
    }),
  },
  {
    name: "clients that stay connected after a refused upgrade",
    config: { muninn: { auth: { ekg: { bearerToken: "a-token-of-some-length" } } } },
    run: async ({ ekg, pick }) => {
      await withClients(ekg, pick(400, 2_200), get("/healthy", upgrade), async (clients) => {
        const begun = performance.now();
        // They may be refused in any way: some see a reset.
        await Promise.all(
          clients.map((client) =>
            client.destroyed ? undefined : once(client.resume(), "close").catch(() => {}),
          ),
        );
        const tookMs = performance.now() - begun;
        if (tookMs > 5_000) throw new Error(`refused clients were there for ${tookMs} ms`);
        await expectServed(ekg, "/", { Authorization: "Bearer a-token-of-some-length" });
      });
    },
    counted: [/^muninn_http_answers_total\{.*401/],
  },
  {
    name: "clients that never close their side after a refused upgrade",
    onlyWhole: true,
    config: { muninn: { auth: { ekg: { bearerToken: "a-token-of-some-length" } } } },
    run: async ({ ekg, pick }) => {
      await withClients(ekg, pick(400, 2_060), get("/healthy", upgrade), async () => {
        await seconds(2);
        await expectServed(ekg, "/", { Authorization: "Bearer a-token-of-some-length" });
      });
    },
  },
  {
    name: "requests that never end",
    run: async ({ prometheus, pick }) => {
      await withClients(prometheus, pick(400, 2_048), "GET /metrics HTTP/1.1\r\nX: ", async (clients) => {
        const drip = setInterval(() => {
          for (const client of clients) client.write("a");
        }, 200);
        await seconds(2);
        clearInterval(drip);
        await expectServed(prometheus);
      });
    },
  },
  {
    name: "requests that HTTP cannot read, and others that are refused",
    config: { muninn: { auth: { ekg: { bearerToken: "a-token-of-some-length" } } } },
    run: async ({ prometheus, ekg, pick }) => {
      const texts = [
        "no request\r\n\r\n",
        get("/", `X: ${"x".repeat(20_000)}\r\n`),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      ];
      for (const text of texts) await withClients(prometheus, pick(300, 2_000), text, () => seconds(1));
      await withClients(ekg, pick(300, 2_000), get("/"), () => seconds(1));
      await expectServed(prometheus);
    },
    counted: [/^muninn_http_answers_total\{.*"400"/, /^muninn_http_answers_total\{.*"431"/],
    said: ["http_refused"],
  },
  {
    name: "clients that send nothing",
    onlyWhole: true,
    run: async ({ prometheus, ekg, pick }) => {
      await withClients(prometheus, pick(500, 2_048), "", async () => {
        await withClients(ekg, pick(500, 2_048), "", async () => {
          await seconds(1);
          await expectServed(prometheus);
          await expectServed(ekg, "/");
        });
      });
    },
  },
  {
    name: "bodies and headers that never end",
    onlyWhole: true,
    run: async ({ prometheus, pick }) => {
      const post = `POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n${"a".repeat(1_000_000)}`;
      const headers = `GET / HTTP/1.1\r\n${`X: ${"a".repeat(1_000)}\r\n`.repeat(1_000)}`;
      await Promise.all([
        withClients(prometheus, pick(30, 100), post, () => seconds(1)),
        withClients(prometheus, pick(30, 100), headers, () => seconds(1)),
        withClients(prometheus, pick(30, 100), get(`/${"%2e%2e%2f".repeat(1_500)}`), () => seconds(1)),
      ]);
      await expectServed(prometheus);
    },
  },
];
