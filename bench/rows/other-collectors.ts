import { Comparison } from "../harness/comparison.js";
import { type Measurement, measure } from "../harness/measurement.js";
import type { Row } from "../harness/row.js";
import { cardanoTracer, hermodTracer, muninn, rsyslog, type Tracer } from "../harness/tracers.js";

/** Enough for a steady state: in the first second under load code is compiled, which does not matter over a year. */
const objects = 3_000_000;
const objectBytes = 364;

/** Muninn against another program that receives the same objects, or their lines. */
function against(
  name: string,
  other: () => Tracer | undefined,
  { summary, absent, atLeast }: { summary: string; absent: string; atLeast: number },
): Row {
  return {
    name,
    summary,
    missing: () => (other() === undefined ? absent : undefined),
    async run({ runs, scale }) {
      const workload = { nodes: 1, objectBytes };
      const ours = muninn();
      const theirs = other()!;
      const comparison = await Comparison.of(
        [ours, theirs].map((tracer) => ({
          name: tracer.name,
          run: () => measure(tracer, workload, objects * scale),
        })),
        runs,
      );
      const ratio = (figure: (measurement: Measurement) => number) =>
        comparison.ratio(figure, ours.name, theirs.name);
      return {
        findings: [
          { what: "objects per CPU second ÷ theirs", value: ratio(perCpuSecond), target: { atLeast } },
          { what: "throughput ÷ theirs", value: ratio(({ objects, seconds }) => objects / seconds) },
        ],
        figures: comparison.figures(),
      };
    },
  };
}

function perCpuSecond({ objects, cpuSeconds }: Measurement): number {
  return objects / cpuSeconds;
}

export const againstRsyslog = against("rsyslog", rsyslog, {
  summary: "one node, 364-byte objects; rsyslog gets their lines by imptcp and writes them by omfile",
  absent: "rsyslogd is not installed",
  atLeast: 3,
});

export const againstHermodTracer = against("hermod", hermodTracer, {
  summary: "one node, 364-byte objects, 100 a request, against the Rust tracer of the crate hermod-tracer",
  absent: "no hermod-tracer on the path or in HERMOD_TRACER",
  atLeast: 4,
});

export const againstCardanoTracer = against("cardano", cardanoTracer, {
  summary: "one node, 364-byte objects, 100 a request, against the original",
  absent: "CARDANO_TRACER names none",
  atLeast: 8,
});
