import { resolve } from "node:path";
import { faultyLink, type LinkOptions } from "../../src/testing/faulty-link.js";
import { Comparison } from "../harness/comparison.js";
import {
  cpuPerMillion,
  type Measurement,
  measure,
  throughput,
  type Workload,
} from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { muninn } from "../harness/tracers.js";

const objects = 1_000_000;
const objectBytes = 364;
/** The most that a real forwarder sends; the effect of the link should not show. */
const objectsPerSecond = 65_000;
const pacedSeconds = 10;
const host = "127.0.0.1";
/** A port for any kind of link; nobody else uses it on a machine used for measurements. */
const port = 17_443;
const delayedPort = 17_444;

const certificates = resolve("test/transport/certificates");
const tls = {
  certificateFile: resolve(certificates, "server.pem"),
  certificateKeyFile: resolve(certificates, "server-key.pem"),
};
const caFile = resolve(certificates, "ca.pem");

const kinds = { unix: 1, tls: 1.5, wss: 2 } as const;
const roundTripsMs = [50, 200];

/** Links of other kinds against the unix socket, and a WebSocket over links of some length against itself without them. */
export const linkKinds: Row = {
  name: "link-kinds",
  summary:
    "one node over TLS and over a WebSocket against the unix socket, and the WebSocket through delayed links",
  async run({ runs, scale }) {
    const near = Object.keys(kinds) as (keyof typeof kinds)[];
    const whole = { nodes: 1, objectBytes };
    const paced = { ...whole, objectsPerSecond };
    const pacedObjects = objectsPerSecond * pacedSeconds * scale;
    const undelayed = "wss, no delay";
    const delayed = roundTripsMs.map((roundTripMs) => ({
      name: `wss, ${roundTripMs} ms`,
      run: () => measureDelayed(paced, pacedObjects, roundTripMs),
    }));
    const comparison = await Comparison.of(
      [
        ...near.map((kind) => ({ name: kind, run: () => measureOver(kind, whole, objects * scale) })),
        { name: undelayed, run: () => measureOver("wss", paced, pacedObjects) },
        ...delayed,
      ],
      runs,
    );
    return {
      findings: [
        ...near
          .filter((kind) => kind !== "unix")
          .map((kind) => ({
            what: `CPU per object over ${kind} ÷ over the unix socket`,
            value: comparison.ratio(cpuPerMillion, kind, "unix"),
            target: { atMost: kinds[kind] },
          })),
        ...delayed.map(({ name }) => ({
          what: `throughput over ${name} ÷ undelayed`,
          value: comparison.ratio(throughput, name, undelayed),
          target: { atLeast: 0.9 },
        })),
      ],
      figures: comparison.figures(),
    };
  },
};

async function measureOver(
  kind: keyof typeof kinds,
  workload: Workload,
  count: number,
  at = port,
): Promise<Measurement> {
  if (kind === "unix") return measure(muninn(), workload, count);
  const listen = addressAt(kind, port);
  const tracer = muninn({ links: [{ listen, tls, access: "anyone" }] });
  return measure(tracer, { ...workload, link: { to: addressAt(kind, at), caFile } }, count);
}

async function measureDelayed(workload: Workload, count: number, roundTripMs: number): Promise<Measurement> {
  const place: Pick<LinkOptions, "to" | "at"> = {
    to: { kind: "tcp", host, port },
    at: { kind: "tcp", host, port: delayedPort },
  };
  await using _link = await faultyLink({ ...place, latencyMs: roundTripMs / 2 });
  return await measureOver("wss", workload, count, delayedPort);
}

function addressAt(kind: "tls" | "wss", at: number): string {
  return `${kind}://${host}:${at}${kind === "wss" ? "/nodes" : ""}`;
}
