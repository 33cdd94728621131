import { CborWriter } from "../../../src/protocol/cbor-writer.js";
import { encodeMetricsResponse, type MetricValue } from "../../../src/protocol/metrics.js";
import { miniProtocols } from "../../../src/protocol/mini-protocols.js";
import type { Attack, Target } from "../attack.js";
import { withPeers } from "../hostile-peer.js";

/** An answer with this many numbers whose names begin with `prefix`. */
export function manyMetrics(count: number, prefix: string): Uint8Array {
  const value: MetricValue = { kind: "gauge", value: 1n };
  return encodeMetricsResponse(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, value]));
}

export function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1_000));
}

/** Scrapes everything, several at a time. */
export async function scrape(address: string, path = "/metrics", count = 5): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => (await fetch(`http://${address}${path}`)).arrayBuffer()),
  );
}

/** Peers whose answers each have other names than the one before. */
function everNewMetrics(peers: number, metrics: number) {
  return async ({ socket, prometheus, pick }: Target) => {
    // Some answers, made once, that all peers give in turn: what is measured is the other process.
    const answers = Array.from({ length: 12 }, (_, turn) =>
      manyMetrics(metrics, `${"n".repeat(60)}.${turn}.`),
    );
    await withPeers(
      socket,
      peers,
      (index) => {
        let given = index;
        return { name: `peer-${index}`, metrics: () => answers[given++ % answers.length] };
      },
      async () => {
        for (let round = 0; round < pick(2, 10); round += 1) {
          await seconds(1);
          await scrape(prometheus);
        }
      },
    );
  };
}

/** Attacks by peers' metrics. */
export const metrics: readonly Attack[] = [
  {
    name: "nine peers with a million metrics each",
    run: ({ socket, prometheus, pick }) => {
      const answer = manyMetrics(pick(200_000, 1_000_000), "some.metric.");
      return withPeers(
        socket,
        9,
        (index) => ({ name: `many-${index}`, metrics: () => answer }),
        async () => {
          await seconds(pick(2, 10));
          await scrape(prometheus);
        },
      );
    },
    counted: [/^muninn_metrics_refused_total\{reason="answer-too-long"/],
  },
  {
    name: "metric names of one megabyte full of dots",
    onlyWhole: true,
    run: ({ socket, prometheus, pick }) => {
      const value: MetricValue = { kind: "counter", value: 1n };
      const answer = encodeMetricsResponse(
        Array.from({ length: 50 }, (_, index) => [`${index}${".a".repeat(500_000)}`, value]),
      );
      return withPeers(
        socket,
        pick(2, 20),
        (index) => ({ name: `dots-${index}`, metrics: () => answer }),
        async () => {
          await seconds(2);
          await scrape(prometheus);
        },
      );
    },
  },
  { name: "20 peers with new metrics in each answer", run: everNewMetrics(20, 9_000) },
  {
    name: "256 peers with new metrics in each answer",
    onlyWhole: true,
    run: everNewMetrics(256, 1_000),
  },
  {
    name: "label texts full of quotes and backslashes",
    onlyWhole: true,
    run: ({ socket, prometheus, ekg }) => {
      const text = `{a="${'\\\\\\"'.repeat(4_000)}"} 1`;
      const answer = encodeMetricsResponse(
        Array.from({ length: 60 }, (_, index) => [`label.${index}`, { kind: "label", value: text }]),
      );
      return withPeers(
        socket,
        20,
        (index) => ({ name: `labels-${index}`, metrics: () => answer }),
        async () => {
          await seconds(2);
          await scrape(prometheus);
          await scrape(ekg, "/labels-1");
        },
      );
    },
  },
  {
    name: "metrics answers cut into segments of one byte",
    run: ({ socket, pick }) => {
      const answer = manyMetrics(pick(10_000, 50_000), "some.metric.");
      return withPeers(
        socket,
        20,
        (index) => ({ name: `slow-${index}` }),
        (peers) => Promise.all(peers.map((peer) => peer.send(miniProtocols.metrics, answer, 1))),
      );
    },
  },
  {
    name: "metrics nested a million levels deep",
    onlyWhole: true,
    run: ({ socket }) => {
      const writer = new CborWriter().array(2).int(1).array(2).int(0);
      for (let depth = 0; depth < 1_000_000; depth += 1) writer.array(1);
      const answer = writer.finish();
      return withPeers(
        socket,
        20,
        (index) => ({ name: `deep-${index}` }),
        (peers) => Promise.all(peers.map((peer) => peer.send(miniProtocols.metrics, answer))),
      );
    },
    said: ["connection_failed"],
  },
];
