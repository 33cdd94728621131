import { encodeMetricsResponse } from "../../../src/protocol/metrics.js";
import type { Attack, Target } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { expectServed, withClients } from "./http.js";
import { manyMetrics, seconds } from "./metrics.js";

const config = { hasTimeseries: { epHost: "127.0.0.1", epPort: 0 } };

async function endpointOf({ daemon }: Target): Promise<string> {
  const { served } = (await daemon.logged("started")) as unknown as { served: Record<string, string> };
  return served.timeseries!;
}

/** A client's query, as a POST that keeps its connection. */
function post(query: string): string {
  const body = `query=${encodeURIComponent(query)}`;
  return `POST /timeseries/query HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** The answer; any will do. */
async function asked(address: string, query: string): Promise<void> {
  const answer = await fetch(`http://${address}/timeseries/query`, {
    method: "POST",
    body: `query=${encodeURIComponent(query)}`,
    signal: AbortSignal.timeout(60_000),
  });
  await answer.arrayBuffer();
}

/** Nodes that all have a metric `m`, while `use` runs: this many series are searched at once. */
function besideManySeries(use: (address: string, target: Target) => Promise<void>): Attack["run"] {
  return async (target) => {
    const address = await endpointOf(target);
    const answer = encodeMetricsResponse([["m", { kind: "gauge", value: 5n }]]);
    await withPeers(
      target.socket,
      target.pick(300, 3_000),
      (index) => ({ name: `series-${index}`, metrics: () => answer }),
      async () => {
        await seconds(target.pick(2, 6));
        await use(address, target);
      },
    );
  };
}

/** `(((a, a), (a, a)), …)` of 2^depth leaves: much text, little depth. */
function tree(leaf: string, depth: number, between = ","): string {
  return depth === 0
    ? leaf
    : `(${tree(leaf, depth - 1, between)}${between}${tree(leaf, depth - 1, between)})`;
}

/** Each node causes a log line when it connects. */
const bounds = { logBytes: 2 * 1_048_576 };

/** Queries that look harmless, each slow in a different way. */
const queries: Readonly<Record<string, string>> = {
  "a tree of vectors": tree("min (m now)", 11, "+"),
  "a tree of comparisons": `let v = m now in ${tree("(v>1>1>1>1)", 11)}`,
  "a tree of copies": `let v = m now in ${tree("v{}", 15)}`,
  "thousands of conditions": `let v = m now in v {${new Array(12_000).fill('"a"!="b"').join(",")}}`,
  "thousands of labels": `quantile_by (${new Array(20_000).fill('"a"').join(",")}) 0.5 (m now)`,
  "names below many others": `${Array.from({ length: 150 }, (_, n) => `let a${n} = 1 in `).join("")}${tree("a0", 14)}`,
  "vectors in vectors": `let v = (m now) {"node_name"="series-1"} in ${"map (\\x -> ".repeat(28)}v${") v".repeat(28)}`,
  "backslashes in vectors": `let v = (m now) {"node_name"="series-1"} in ${"map (\\x -> ".repeat(7)}"${"\\".repeat(20_000)}"${") v".repeat(7)}`,
  "a long text that is no query": `${"(1,".repeat(150)}${"1+".repeat(60_000)}`,
  "ranges with tiny steps": "(\\t -> map (\\x -> x + 1) (m t))[now - 24h; now : 8s]",
  "a step of nothing": "m[epoch; now : 1ms]",
  "functions of functions": "let f = \\g -> g g in f f",
  "a misspelt name": `${"n".repeat(120)} now`,
};

/** Attacks by queries of timeseries. */
export const timeseries: readonly Attack[] = [
  {
    name: "slow queries, one after another",
    config,
    bounds,
    run: besideManySeries(async (address) => {
      for (const query of Object.values(queries)) await asked(address, query);
    }),
  },
  {
    name: "slow queries all at once, whose answers nobody reads",
    config,
    bounds,
    run: besideManySeries(async (address, { pick }) => {
      const asking = Object.values(queries).map((query) =>
        withClients(address, pick(20, 150), post(query), () => seconds(pick(5, 20))),
      );
      await Promise.all(asking);
      await expectServed(address, "/");
    }),
    counted: [/^muninn_http_answers_total\{.*timeseries.*503/],
  },
  {
    name: "queries whose last byte is never sent",
    config,
    async run(target) {
      const address = await endpointOf(target);
      const whole = post("m".repeat(262_000));
      await withClients(address, target.pick(500, 2_000), whole.slice(0, -10), async () => {
        await seconds(target.pick(3, 20));
        await asked(address, "1 + 1");
      });
    },
    counted: [/^muninn_http_answers_total\{.*timeseries.*(408|503)/],
  },
  {
    name: "timeseries answers that nobody reads",
    config,
    bounds,
    run: besideManySeries(async (address, { pick }) => {
      await withClients(address, pick(100, 2_000), post("m[now - 1h; now : 1s]"), () => seconds(pick(5, 20)));
      await expectServed(address, "/");
    }),
  },
  {
    name: "metrics with new names in each answer, and clients that query all of them",
    config,
    run: async (target) => {
      const address = await endpointOf(target);
      const { socket, pick } = target;
      let turn = 0;
      const answers = Array.from({ length: pick(20, 60) }, (_, n) => manyMetrics(8_000, `new.${n}.`));
      await withPeers(
        socket,
        8,
        (index) => ({ name: `new-${index}`, metrics: () => answers[turn++ % answers.length] }),
        async () => {
          for (let round = 0; round < pick(5, 30); round += 1) {
            await Promise.all([
              withClients(address, 50, `GET / HTTP/1.1\r\nHost: h\r\n\r\n`, () => seconds(0.7)),
              withClients(address, 20, post("metrics"), () => seconds(0.7)),
              asked(address, "new_0_1x now"),
            ]);
          }
        },
      );
    },
  },
  {
    name: "clients that change retention and pruning again and again",
    config,
    onlyWhole: true,
    bounds,
    run: besideManySeries(async (address, { pick }) => {
      const change = (path: string) =>
        `POST /timeseries/config/${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n`.repeat(500);
      await Promise.all([
        withClients(address, 100, change("retention?hours=1"), () => seconds(pick(2, 10))),
        withClients(address, 100, change("pruning?milliseconds=1"), () => seconds(pick(2, 10))),
      ]);
    }),
  },
];
