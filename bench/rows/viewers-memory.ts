import { once } from "node:events";
import { WebSocket } from "ws";
import { freePort } from "../harness/free-port.js";
import { arrange, makeRunDirectory, measureArranged } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { spreadOf } from "../harness/statistics.js";
import { muninn } from "../harness/tracers.js";

const nodes = 20;
const objects = 6_000_000;
const objectBytes = 364;
const viewers = 100;
/** The 64 MiB that may wait for all viewers, and as much again while it is on its way. */
const mostMoreMiB = 128;

type Kind = "none" | "reading" | "stuck";

/** What a hundred viewers make the tracer hold: what waits for them is bounded, whether they read or not. */
export const viewersMemory: Row = {
  name: "viewers-memory",
  summary: `peak memory with ${nodes} busy nodes and ${viewers} viewers of everything`,
  async run({ runs, scale }) {
    const peaks: Record<Kind, number[]> = { none: [], reading: [], stuck: [] };
    for (let run = 0; run < runs; run += 1) {
      for (const kind of ["none", "reading", "stuck"] as const)
        peaks[kind].push(await measurePeakMiB(kind, objects * scale));
    }
    const more = (kind: Kind) => spreadOf(peaks[kind].map((peak, run) => peak - peaks.none[run]!));
    return {
      findings: [
        { what: "without viewers", unit: "MiB", value: spreadOf(peaks.none) },
        {
          what: "more with viewers that read",
          unit: "MiB",
          value: more("reading"),
          target: { atMost: mostMoreMiB },
        },
        {
          what: "more with viewers that read nothing",
          unit: "MiB",
          value: more("stuck"),
          target: { atMost: mostMoreMiB },
        },
      ],
      figures: [],
    };
  },
};

async function measurePeakMiB(kind: Kind, count: number): Promise<number> {
  using directory = makeRunDirectory();
  const port = await freePort();
  await using arrangement = await arrange(muninn({ uiPort: port }), { nodes, objectBytes }, directory.path);
  const sockets = await Promise.all(
    Array.from({ length: kind === "none" ? 0 : viewers }, () => watch(port, kind === "stuck")),
  );
  const { peakMemoryKiB } = await measureArranged(arrangement, count);
  for (const socket of sockets) socket.terminate();
  return peakMemoryKiB / 1_024;
}

async function watch(port: number, isStuck: boolean): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`);
  await once(socket, "open");
  socket.on("message", () => {});
  if (isStuck) socket.pause();
  return socket;
}
