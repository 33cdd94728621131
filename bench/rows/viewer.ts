import { once } from "node:events";
import { WebSocket } from "ws";
import { freePort } from "../harness/free-port.js";
import { type Arrangement, arrange, makeRunDirectory, send } from "../harness/measurement.js";
import { busySeconds } from "../harness/process-usage.js";
import type { Row } from "../harness/row.js";
import { medianAndBounds } from "../harness/statistics.js";
import { muninn } from "../harness/tracers.js";

const nodes = 20;
const requestCount = 100;
const objectBytes = 364;
/** How often tracers are started for each of `--runs`, and how often each contestant has its turn then. */
const startsPerRun = 3;
const turnsPerStart = 4;
/** Replies of each node: those measured in a turn, those before, in which a viewer uses up the time saved for it, and the first. */
const repliesInTurn = 300;
const repliesBefore = 60;
const firstReplies = 200;

type Contestant = "no page" | "not watched" | "watched";

/** One turn of each. */
type Round = Readonly<Record<Contestant, Turn>>;

interface Turn {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/**
 * What a viewer of everything costs the traces at full load, and what a page costs that nobody watches. It is a small part
 * of what runs differ by. So two tracers run at the same time, with a page and without, and the three contestants
 * have short turns, one after the other.
 */
export const viewer: Row = {
  name: "viewer",
  summary: `${nodes} busy nodes, watched without a filter through the page's WebSocket; medians and their bounds of 95 %`,
  async run({ runs, scale }) {
    const rounds: Round[] = [];
    for (let start = 0; start < runs * startsPerRun; start += 1) rounds.push(...(await roundsOf(scale)));
    const ratio = (figure: keyof Turn, one: Contestant, other: Contestant) =>
      medianAndBounds(rounds.map((round) => round[one][figure] / round[other][figure]));
    return {
      findings: [
        {
          what: "CPU per object: watched ÷ not watched",
          value: ratio("cpuSeconds", "watched", "not watched"),
          target: { atMost: 1.02 },
        },
        {
          what: "throughput: watched ÷ not watched",
          value: ratio("seconds", "not watched", "watched"),
          target: { atLeast: 0.98 },
        },
        {
          what: "CPU per object: an unwatched page ÷ no page",
          value: ratio("cpuSeconds", "not watched", "no page"),
        },
      ],
      figures: [],
    };
  },
};

async function roundsOf(scale: number): Promise<Round[]> {
  using plainDirectory = makeRunDirectory();
  using pageDirectory = makeRunDirectory();
  const port = await freePort();
  const workload = { nodes, objectBytes, requestCount };
  await using plain = await arrange(muninn(), workload, plainDirectory.path);
  await using page = await arrange(muninn({ uiPort: port }), workload, pageDirectory.path);
  for (const arrangement of [plain, page]) await send(arrangement, firstReplies);
  const replies = Math.ceil(repliesInTurn * scale);
  const run: Readonly<Record<Contestant, () => Promise<Turn>>> = {
    "no page": () => turn(plain, replies),
    "not watched": () => turn(page, replies),
    watched: async () => {
      const socket = await watch(port);
      const measured = await turn(page, replies);
      socket.terminate();
      return measured;
    },
  };
  const order: readonly Contestant[] = ["no page", "not watched", "watched"];
  const rounds: Round[] = [];
  for (let round = 0; round < turnsPerStart; round += 1) {
    const turns: Partial<Record<Contestant, Turn>> = {};
    for (const contestant of round % 2 === 0 ? order : order.toReversed())
      turns[contestant] = await run[contestant]();
    rounds.push(turns as Round);
  }
  return rounds;
}

async function turn(arrangement: Arrangement, replies: number): Promise<Turn> {
  await send(arrangement, repliesBefore);
  const { pid } = arrangement.child;
  const cpuBefore = busySeconds(pid);
  const start = performance.now();
  await send(arrangement, replies);
  return { cpuSeconds: busySeconds(pid) - cpuBefore, seconds: (performance.now() - start) / 1_000 };
}

/** Reads everything, and discards it. */
async function watch(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`);
  await once(socket, "open");
  socket.on("message", () => {});
  return socket;
}
