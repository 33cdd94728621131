import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Child } from "../harness/child.js";
import { listening, makeRunDirectory } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import { muninn, socketPath } from "../harness/tracers.js";

/** Listens and does nothing else: the cost of Node itself. */
const bareListener = 'require("node:net").createServer().listen(process.argv[1])';

/** From the start of the process until a node can connect. */
export const startUp: Row = {
  name: "start-up",
  summary: "from the start of the process until a node can connect",
  async run({ runs }) {
    const ours: number[] = [];
    const ratios: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const bare = await millisecondsUntilListening("bare");
      const full = await millisecondsUntilListening("muninn");
      ours.push(full);
      ratios.push(full / bare);
    }
    return {
      findings: [
        { what: "until it listens", unit: "ms", value: spreadOf(ours), target: { atMost: 150 } },
        { what: "÷ a Node process that only listens", value: spreadOf(ratios) },
      ],
      figures: [],
    };
  },
};

async function millisecondsUntilListening(which: "bare" | "muninn"): Promise<number> {
  using directory = makeRunDirectory();
  const path = socketPath(directory.path);
  const logRoot = join(directory.path, "logs");
  mkdirSync(logRoot);
  const plan = { directory: directory.path, logRoots: [logRoot], requestCount: 100, replyBytes: 0 };
  const program =
    which === "muninn"
      ? muninn().program(plan)
      : { command: process.execPath, args: ["-e", bareListener, path] };
  const start = performance.now();
  await using child = new Child(program);
  await listening(child, path);
  return performance.now() - start;
}
