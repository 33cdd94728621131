import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { parseAddress, parseLinkAddress } from "../../src/transport/address.js";
import { connectTo } from "../../src/transport/connect-to.js";
import { LoadNode, metricsAnswers } from "../harness/load-node.js";
import { type LoadCommand, type LoadPlan, type LoadReport, nodeName } from "../harness/load-plan.js";
import { sampleObject, sampleReply } from "../harness/objects.js";

// The nodes of one run, in a process of their own: they connect, send as many replies as they are told, and stay.

/** Simultaneous connection attempts; more than a listener's backlog would be refused. */
const connectingAtOnce = 32;
const retryMs = 20;
const timeoutMs = 10_000;

const plan = JSON.parse(process.argv[2]!) as LoadPlan;
const { requestCount, objectsPerSecond } = plan;
const answers = {
  reply: sampleReply(sampleObject(plan.objectBytes), requestCount),
  requestCount,
  replyPauseMs: objectsPerSecond === undefined ? 0 : (1_000 * requestCount) / objectsPerSecond,
  ...metricsAnswers(plan.metrics ?? 0),
};

const target = plan.link === undefined ? parseAddress(plan.socket) : parseLinkAddress(plan.link.to);
const credentials = plan.link === undefined ? {} : { ca: readFileSync(plan.link.caFile, "utf8") };

function report(message: LoadReport): void {
  process.send!(message);
}

function fail(reason: string): void {
  report({ kind: "failed", reason });
}

/** Connects one node; resolves when the tracer has asked it for objects. */
async function connectNode(name: string): Promise<LoadNode> {
  const stream = await connectSocket();
  stream.on("error", (error) => fail(`${name}: ${error.message}`));
  stream.on("close", () => fail(`${name}: the tracer left`));
  return new Promise((resolve) => {
    const node: LoadNode = new LoadNode({
      stream,
      name,
      answers,
      onAsked: () => resolve(node),
      onFault: fail,
    });
  });
}

async function connectSocket(): Promise<Duplex> {
  for (;;) {
    try {
      return await connectTo(target, { signal: new AbortController().signal, timeoutMs, credentials });
    } catch {
      await pause(retryMs);
    }
  }
}

const nodes: LoadNode[] = [];
let next = 0;
await Promise.all(
  Array.from({ length: Math.min(connectingAtOnce, plan.nodes) }, async () => {
    while (next < plan.nodes) {
      const index = next;
      next += 1;
      nodes[index] = await connectNode(nodeName(index));
    }
  }),
);
process.on("message", async ({ replies }: LoadCommand) => {
  const waiting = await Promise.all(nodes.map((node) => node.give(replies)));
  report({ kind: "sent", requestsWaiting: Math.max(...waiting) });
});
report({ kind: "ready" });
