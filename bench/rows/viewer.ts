import { once } from "node:events";
import { WebSocket } from "ws";
import { Comparison } from "../harness/comparison.js";
import { freePort } from "../harness/free-port.js";
import {
  arrange,
  cpuPerMillion,
  type Measurement,
  makeRunDirectory,
  measureArranged,
  throughput,
} from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { muninn } from "../harness/tracers.js";

const nodes = 20;
const objects = 4_000_000;
const objectBytes = 364;

/** What a viewer of everything at full load costs the traces, and what an unviewed page costs. */
export const viewer: Row = {
  name: "viewer",
  summary: `${nodes} busy nodes, watched without a filter through the page's WebSocket`,
  async run({ runs, scale }) {
    const measure = async (settings: { hasPage: boolean; isWatched: boolean }): Promise<Measurement> => {
      using directory = makeRunDirectory();
      const port = await freePort();
      const tracer = muninn(settings.hasPage ? { uiPort: port } : {});
      await using arrangement = await arrange(tracer, { nodes, objectBytes }, directory.path);
      const socket = settings.isWatched ? await watch(port) : undefined;
      const measurement = await measureArranged(arrangement, objects * scale);
      socket?.terminate();
      return measurement;
    };
    const comparison = await Comparison.of(
      [
        { name: "no page", run: () => measure({ hasPage: false, isWatched: false }) },
        { name: "not watched", run: () => measure({ hasPage: true, isWatched: false }) },
        { name: "watched", run: () => measure({ hasPage: true, isWatched: true }) },
      ],
      runs,
    );
    return {
      findings: [
        {
          what: "throughput: watched ÷ not watched",
          value: comparison.ratio(throughput, "watched", "not watched"),
          target: { atLeast: 0.98 },
        },
        {
          what: "CPU per object: watched ÷ not watched",
          value: comparison.ratio(cpuPerMillion, "watched", "not watched"),
        },
        {
          what: "CPU per object: an unwatched page ÷ no page",
          value: comparison.ratio(cpuPerMillion, "not watched", "no page"),
        },
      ],
      figures: comparison.figures(),
    };
  },
};

/** Reads everything, and discards it. */
async function watch(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`);
  await once(socket, "open");
  socket.on("message", () => {});
  return socket;
}
