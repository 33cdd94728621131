import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "../harness/child.js";
import { listening, makeRunDirectory } from "../harness/measurement.js";
import type { Finding, Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import { muninn, socketPath } from "../harness/tracers.js";
import type { TracingResult } from "../peers/tracing-program.js";

const tracingProgram = fileURLToPath(new URL("../peers/tracing-program.js", import.meta.url));
const messages = 300_000;
/** In one process; the first run, in which its code is compiled, does not count. */
const rounds = 2;

/** What a program does: which interface it traces with, and how many messages a second; as many as possible if none is given. */
const contestants = {
  forwarder: { way: "forwarder" },
  /** Pino does not ask whether there is room: this fills its memory. */
  "pino, a burst": { way: "pino" },
  pino: { way: "pino", perSecond: 50_000 },
  "pino/file": { way: "pino/file", perSecond: 50_000 },
  data: { way: "data" },
} as const;

type Name = keyof typeof contestants;
const names = Object.keys(contestants) as Name[];

/** The cost of tracing for a Node program, with `muninn/forwarder` and with `muninn/pino`. */
export const programs: Row = {
  name: "programs",
  summary: `a Node program with ${messages.toLocaleString("en-US")} messages of some 250 bytes`,
  async run({ runs, scale }) {
    const count = messages * scale;
    const results = new Map(names.map((name) => [name, [] as TracingResult[]]));
    for (let run = 0; run < runs; run += 1)
      for (const name of run % 2 === 0 ? names : names.toReversed())
        results.get(name)!.push(...(await measure(name, count)));
    const rate = (name: Name) => spreadOf(results.get(name)!.map(({ seconds }) => count / seconds));
    const forMaking = spreadOf(results.get("data")!.map(({ loopSeconds }) => loopSeconds)).median;
    /** In addition to the cost of making the data. */
    const microseconds = (name: Name) =>
      results.get(name)!.map(({ loopSeconds }) => (1e6 * (loopSeconds - forMaking)) / count);
    const ofLoop = (what: string, name: Name, target?: Finding["target"]) => ({
      what: `${what}, of its event loop for each`,
      unit: "µs",
      value: spreadOf(microseconds(name)),
      ...(target !== undefined && { target }),
    });
    const byFile = microseconds("pino/file");
    return {
      findings: [
        {
          what: "muninn/forwarder",
          unit: "messages/s",
          value: rate("forwarder"),
          target: { atLeast: 300_000 },
        },
        ofLoop("muninn/forwarder", "forwarder", { atMost: 3 }),
        { what: "muninn/pino, a burst", unit: "messages/s", value: rate("pino, a burst") },
        ofLoop("muninn/pino, a burst", "pino, a burst"),
        ofLoop("muninn/pino, 50,000 a second", "pino", { atMost: 3 }),
        {
          what: "÷ that of pino/file",
          value: spreadOf(microseconds("pino").map((own, index) => own / byFile[index]!)),
        },
      ],
      figures: [],
    };
  },
};

/** @throws Error unless every message has its line */
async function measure(name: Name, count: number): Promise<TracingResult[]> {
  const { way, perSecond = Number.POSITIVE_INFINITY } = { perSecond: undefined, ...contestants[name] };
  using directory = makeRunDirectory();
  const logRoot = join(directory.path, "logs");
  mkdirSync(logRoot);
  const socket = socketPath(directory.path);
  const isCollected = way === "forwarder" || way === "pino";
  const plan = { directory: directory.path, logRoots: [logRoot], requestCount: 100, replyBytes: 0 };
  await using tracer = isCollected ? new Child(muninn().program(plan)) : undefined;
  if (tracer !== undefined) await listening(tracer, socket);
  const address = isCollected ? socket : join(logRoot, "shop.json");
  await using program = new Child({
    command: process.execPath,
    args: [tracingProgram, way, address, `${count}`, `${rounds}`, `${perSecond}`],
  });
  await program.ended;
  await tracer?.stop();
  const lines = way === "data" ? 0 : linesBelow(logRoot);
  if (way !== "data" && lines !== count * (rounds + 1))
    throw new Error(`${lines} of ${count * (rounds + 1)} lines were written: ${program.output}`);
  return JSON.parse(program.output) as TracingResult[];
}

function linesBelow(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(".json"),
  );
  let lines = 0;
  for (const { parentPath, name } of files)
    for (const byte of readFileSync(join(parentPath, name))) if (byte === 0x0a) lines += 1;
  return lines;
}
