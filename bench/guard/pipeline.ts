import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { Sessions } from "../../src/nodes/sessions.js";
import { openHandleRegistry } from "../../src/registry/open-handle-registry.js";
import { FileSink } from "../../src/sinks/files/file-sink.js";
import { Router } from "../../src/sinks/router.js";
import { LoadNode, metricsAnswers } from "../harness/load-node.js";
import { networkMagic, nodeName } from "../harness/load-plan.js";
import { sampleObject, sampleReply } from "../harness/objects.js";
import { spreadOf } from "../harness/statistics.js";
import { cpuMicros } from "./cpu.js";
import { unwrittenFileSystem } from "./unwritten-file-system.js";
import { Yardstick } from "./yardstick.js";

// Prints the cost of the whole pipeline in yardsticks: from a node's connection, which is in memory, through session, router
// and registry to a file system that stores nothing.

const objectBytes = 364;
/** Objects a request, requests outstanding, and replies of one round. */
const [requestCount, requestsAhead, repliesPerRound] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
];
const yardstickReplies = 1_500;
const warmUpRounds = 3;
const rounds = 9;

const answers = {
  reply: sampleReply(sampleObject(objectBytes), requestCount),
  requestCount,
  replyPauseMs: 0,
  ...metricsAnswers(0),
};
const settings = {
  networkMagic,
  requestCount,
  requestsAhead,
  metricsPace: { pauseMs: 1_000, full: false },
  maxObjectBytes: 16 * 1_024 * 1_024,
  maxMetricsBytes: 1_048_576,
  maxDataPointBytes: 262_144,
  maxMetricsPerNode: 10_000,
  nameFrom: ["nodeInfo"] as const,
  handshakeTimeoutMs: 10_000,
  nameTimeoutMs: 10_000,
  namePatienceMs: 250,
  silenceMs: 30_000,
};
const quiet = () => undefined;

/** One node that connects, sends everything and leaves. */
async function runNode(sessions: Sessions, router: Router): Promise<number> {
  const [ours, theirs] = duplexPair({ allowHalfOpen: true });
  const done = sessions.run({
    id: "memory-1",
    opener: "peer",
    peer: "memory",
    stream: ours,
    chunks: "given",
  });
  const node = await new Promise<LoadNode>((resolve) => {
    const asked: LoadNode = new LoadNode({
      stream: theirs,
      name: nodeName(0),
      answers,
      onAsked: () => resolve(asked),
      onFault: (reason) => {
        throw new Error(reason);
      },
    });
  });
  const micros = await cpuMicros(() => node.give(repliesPerRound));
  theirs.end();
  await done;
  if (router.accounting.total().dropped > 0) throw new Error("objects were dropped");
  return micros;
}

const root = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "muninn-guard-"));
let written = 0;
process.once("exit", () => rmSync(root, { recursive: true, force: true }));
const registry = await openHandleRegistry({
  roots: [root],
  maxOpenFiles: 64,
  idleTimeoutMs: 30_000,
  durability: "os",
  observer: {
    faultBegan: ({ operation, error }) => console.error(operation, error),
    faultOver: quiet,
    rotated: quiet,
    vanished: quiet,
    tornClosed: quiet,
    linkBlocked: quiet,
    expired: quiet,
    expiryFailed: quiet,
    filesFromFuture: quiet,
    diskReplaced: quiet,
    claimAwaited: quiet,
    claimsCrowded: quiet,
    directoriesUnguarded: quiet,
    workingSetTooLarge: quiet,
  },
  fileSystem: unwrittenFileSystem((bytes) => {
    written += bytes;
  }),
});
const sink = new FileSink({ logRoot: root, format: "ForMachine", humanLayout: "console", registry });
const router = new Router([sink], { writing: () => quiet, failed: quiet });
const sessions = new Sessions({
  settings,
  maxInFlightBytes: 256 * 1_024 * 1_024,
  destination: router,
  observer: { connected: quiet, named: quiet, clashed: quiet, ended: quiet, metricsRefused: quiet },
});
const yardstick = new Yardstick(yardstickReplies);
const ratios: number[] = [];
for (let round = 0; round < warmUpRounds + rounds; round += 1) {
  const yardstickMicros = await yardstick.micros();
  const ratio = (await runNode(sessions, router)) / yardstickMicros;
  if (round >= warmUpRounds) ratios.push(ratio);
}
await registry.stop();
const lineBytes = sampleObject(objectBytes).line.length;
if (written !== (warmUpRounds + rounds) * repliesPerRound * requestCount * lineBytes)
  throw new Error(`${written} bytes were written`);
console.log(JSON.stringify(spreadOf(ratios)));
