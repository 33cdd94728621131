import { once } from "node:events";
import { createServer } from "node:http";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { daemonAddress } from "../../src/tail/daemon-address.js";
import { askDaemon } from "../../src/top/ask-daemon.js";
import { samplesIn } from "../../src/top/exposition-text.js";
import { type OverviewStyle, overviewLines } from "../../src/top/overview-text.js";
import { rateSince, readingOf } from "../../src/top/reading.js";

const exposition = (a: number) => `# HELP muninn_objects_received_total Trace objects received for a sink.
# TYPE muninn_objects_received_total counter
muninn_objects_received_total{node="",sink="file"} 1000
muninn_objects_received_total{node="a",sink="file"} ${a}
muninn_objects_received_total{node="a",sink="otlp"} ${a - 5}
muninn_objects_written_total{node="a",sink="file"} ${a}
muninn_objects_dropped_total{node="a",sink="otlp",reason="queue-full"} 3
muninn_objects_dropped_total{node="a",sink="otlp",reason="stopped"} 4
muninn_objects_received_total{node="b",sink="file"} 7
muninn_requests_outstanding{node="a"} 2
muninn_node_metrics{node="a"} 34
muninn_build_info{version="1.2.3"} 1
muninn_process_start_time_seconds 100
`;
const health = {
  status: "degraded",
  checks: [
    { name: "listener", state: "ok", since: "" },
    { name: "disk:/logs", state: "degraded", since: "", reason: "1 % is free", action: "Make room." },
  ],
} as const;
const plain: OverviewStyle = {
  sort: "name",
  isReversed: false,
  colours: false,
  columns: undefined,
  rows: undefined,
  skipped: 0,
  now: 100_000 + 3_725_000,
};

function reading(a: number, at: number) {
  return readingOf(samplesIn(exposition(a)), health, at);
}

test("labels of any text are read back unchanged from an exposition", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary" }),
      fc.double().map((value) => value + 0),
      (node, sink, value) => {
        const written = (text: string) =>
          text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
        // Exporters write numbers as JavaScript does, except these two.
        const number = String(value).replace("Infinity", "Inf");
        const line = `x{node="${written(node)}",sink="${written(sink)}"} ${number}`;
        const [sample] = samplesIn(`# HELP x y\n${line}\n`);
        expect(sample).toEqual({ name: "x", labels: { node, sink }, value });
      },
    ),
  );
});

describe("the overview", () => {
  test("shows totals, problems and what to do, and the nodes with their rates", () => {
    expect(overviewLines(reading(2_105, 3_000), reading(105, 1_000), plain)).toEqual([
      "Muninn 1.2.3, up 1 h 2 min: degraded, 1 of 2 nodes connected, 1,000 lines/s",
      "  degraded disk:/logs: 1 % is free",
      "    Make room.",
      "  #1 file: 3,112 received, 2,105 written, 0 dropped",
      "  #2 otlp: 2,100 received, 0 written, 7 dropped",
      "",
      "NODE*  STATE      LINES/S  LINES     #1  #2  DROPPED  ASKED  METRICS",
      "a      connected    1,000  2,105  2,105   0        7      2       34",
      "b      gone             0      7      0   0        0      -        -",
    ]);
  });

  test.each([
    { sort: "total", isReversed: false, order: ["a", "b"] },
    { sort: "total", isReversed: true, order: ["b", "a"] },
    { sort: "metrics", isReversed: false, order: ["a", "b"] },
    { sort: "name", isReversed: true, order: ["b", "a"] },
  ] as const)("is sorted by $sort, reversed: $isReversed", ({ sort, isReversed, order }) => {
    const lines = overviewLines(reading(10, 0), undefined, { ...plain, sort, isReversed });
    expect(lines.slice(-2).map((line) => line[0])).toEqual(order);
  });

  test("fits a terminal of any size at any scroll position, and says how many nodes are hidden", () => {
    const many = Array.from({ length: 50 }, (_, n) => `muninn_requests_outstanding{node="n${n}"} 1`).join(
      "\n",
    );
    const now = readingOf(samplesIn(many), health, 0);
    const size = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(size, size, fc.nat(100), (columns, rows, skipped) => {
        const lines = overviewLines(now, undefined, { ...plain, columns, rows, skipped });
        expect(lines.length).toBeLessThanOrEqual(rows);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
        const shown = lines.filter((line) => /^n\d/.test(line)).length;
        if (rows > 10 && columns === 70)
          expect(lines.includes(`${50 - shown} more of 50 nodes`)).toBe(shown < 50);
      }),
    );
  });

  test("escapes control characters in a node's name", () => {
    const now = readingOf(samplesIn('muninn_requests_outstanding{node="\x1b[2J"} 1'), health, 0);
    expect(overviewLines(now, undefined, plain).at(-1)).toMatch(/^\\x1b\[2J/);
  });

  test("has no rate after a restart of the daemon", () => {
    const now = reading(5, 2_000);
    expect(rateSince(reading(100, 1_000), now, now.nodes[0]!)).toBeUndefined();
  });
});

describe("asking a daemon", () => {
  async function daemon(answers: Readonly<Record<string, readonly [status: number, text: string]>>) {
    const tokens = new Set<string | undefined>();
    const server = createServer(({ url = "", headers }, response) => {
      tokens.add(headers.authorization);
      const [status, text] = answers[url] ?? [404, ""];
      response.writeHead(status).end(text);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as { port: number };
    return { address: daemonAddress(`http://127.0.0.1:${port}`, "a-token-of-16-chars"), tokens };
  }

  test("works at the Prometheus port, even while its health is failing", async () => {
    const { address, tokens } = await daemon({
      "/metrics/self": [200, exposition(9)],
      "/healthz": [503, JSON.stringify({ ...health, status: "failing" })],
    });
    expect(await askDaemon(address)).toMatchObject({
      version: "1.2.3",
      startedAt: 100_000,
      health: { status: "failing" },
    });
    expect([...tokens]).toEqual(["Bearer a-token-of-16-chars"]);
  });

  test("gives up on an answer of more than 64 MiB", async () => {
    const { address } = await daemon({ "/metrics/self": [200, "# \n".repeat(23_000_000)] });
    await expect(askDaemon(address)).rejects.toThrow(/more than 64 MiB/);
  });

  test("works at muninn.ui, which gives the rates itself", async () => {
    const overview = {
      version: "1.2.3",
      startedAt: 100_000,
      health,
      totals: [{ sink: "file", received: 5, written: 4, dropped: 1 }],
      nodes: [{ name: "a", isConnected: true, rate: 2.4, total: 5 }],
    };
    const { address } = await daemon({ "/api/overview": [200, JSON.stringify(overview)] });
    const lines = overviewLines(await askDaemon(address), undefined, plain);
    expect(lines.slice(-2)).toEqual(["NODE*  STATE      LINES/S  LINES", "a      connected        2      5"]);
    expect(lines).toContain("  #1 file: 5 received, 4 written, 1 dropped");
  });

  test.each([
    { answers: {}, message: /neither the Prometheus port nor muninn.ui/ },
    { answers: { "/metrics/self": [401, ""] }, message: /asks for a credential/ },
    {
      answers: { "/metrics/self": [200, ""], "/healthz": [200, "<html>"] },
      message: /does not answer as Muninn does/,
    },
    { answers: { "/api/overview": [200, "null"] }, message: /does not answer as Muninn does/ },
    { answers: { "/api/overview": [200, "{}"] }, message: /does not answer as Muninn does/ },
  ] as const)("fails with one sentence if it is not Muninn: $message", async ({ answers, message }) => {
    const { address } = await daemon(answers as Parameters<typeof daemon>[0]);
    await expect(askDaemon(address)).rejects.toMatchObject({
      code: "no-daemon",
      message: expect.stringMatching(message),
    });
  });
});
