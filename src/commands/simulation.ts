import { untilStopped } from "../daemon/stop-signal.js";
import { nodeAddresses } from "../forwarder/node-addresses.js";
import { shortestLineBytes } from "../testing/numbered-objects.js";
import { NumberedSource } from "../testing/numbered-source.js";
import { type SimulatedNode, simulatedNode } from "../testing/simulated-node.js";
import { formatAddress, parseAddress } from "../transport/address.js";
import { UsageError, withForeseenErrors } from "./foreseen-errors.js";
import { type NamedReport, type NumbersOf, sumOf, watchNodes } from "./node-watch.js";
import { print } from "./print.js";
import { formatBytes, StatusLine } from "./status-line.js";

export interface SimulateOptions {
  readonly connect?: string;
  readonly listen?: string;
  readonly nodes: number;
  readonly count?: number;
  readonly rate?: number;
  readonly size?: number;
  readonly human?: true;
  readonly magic: number;
  readonly name: string;
  readonly metrics?: number;
  readonly queue?: number;
  readonly linger?: number;
  readonly json?: true;
}

/** With more nodes than this the report is one line. */
const maxReportLines = 20;
const maxMagic = 0xffff_ffff;

const exit = { allSent: 0, notAllSent: 1 } as const;

interface NamedNode {
  readonly name: string;
  readonly source: NumberedSource;
  readonly node: SimulatedNode;
}

/** What `--json` prints of a node; fields are only ever added. */
interface NodeReport extends NamedReport {
  /** Whether everything was sent and the tracer has asked for more; never true for endless nodes. */
  readonly complete: boolean;
  /** Objects dropped because the tracer did not ask in time; only with `--queue`. */
  readonly thrownAway: number;
}

/** Runs simulated nodes until they have sent everything or a signal arrives; resolves with the exit code. */
export async function simulate(options: SimulateOptions): Promise<number> {
  const stopped = untilStopped();
  const status = new StatusLine();
  return withForeseenErrors("simulate", status, async () => {
    const nodes: NamedNode[] = [];
    const complete = new Set<NamedNode>();
    let seconds: number;
    try {
      for (const planned of plan(options)) {
        const node = await simulatedNode({
          ...planned,
          onDirectoryMade: (directory) =>
            status.print(`directory ${directory} was missing and has been created`),
        });
        nodes.push({ ...planned, node });
        if (node.address !== undefined)
          status.print(`${planned.name} listens at ${formatAddress(node.address)}`);
      }
      const finishing = nodes.map(async (named) => {
        await named.node.finished;
        if (named.source.isOver) complete.add(named);
      });
      const begun = performance.now();
      const reports = () => nodes.map(({ name, node }) => ({ name, ...node.report() }));
      await watchNodes(status, reports, Promise.race([stopped, Promise.all(finishing)]));
      seconds = (performance.now() - begun) / 1_000;
    } finally {
      await Promise.all(nodes.map(({ node }) => node.stop()));
    }
    const reports = nodes.map((named) => ({
      name: named.name,
      ...named.node.report(),
      complete: complete.has(named),
      thrownAway: named.source.thrownAway,
    }));
    if (options.json) print(`${JSON.stringify({ seconds, nodes: reports, total: sumOf(reports) })}\n`);
    else print(reportText(reports, seconds));
    const isGood = (node: NodeReport) => node.refusals === 0 && (node.complete || !options.count);
    return reports.every(isGood) ? exit.allSent : exit.notAllSent;
  });
}

/** The requested nodes. @throws AddressError, UsageError */
function plan(options: SimulateOptions) {
  const { count, rate, size, human, metrics, queue, magic, linger: lingerMs } = options;
  if (magic > maxMagic) throw new UsageError(`--magic must be at most ${maxMagic}`);
  return networksOf(options).map((network, index) => {
    const name = options.nodes === 1 ? options.name : `${options.name}-${index + 1}`;
    const shortest = shortestLineBytes(name);
    if (size !== undefined && size < shortest)
      throw new UsageError(`--size must be at least ${shortest}: room for a number and the name ${name}`);
    const source = new NumberedSource({ name, count: count || undefined, rate, size, human, metrics, queue });
    return { name, source, magic, network, quirks: { lingerMs } };
  });
}

function networksOf({ connect, listen, nodes }: SimulateOptions) {
  if (connect !== undefined) {
    const address = parseAddress(connect);
    return Array.from({ length: nodes }, () => ({ mode: "connect" as const, address }));
  }
  return nodeAddresses(parseAddress(listen!), nodes).map((address) => ({ mode: "listen" as const, address }));
}

function reportText(reports: readonly NodeReport[], seconds: number): string {
  const total = sumOf(reports);
  const lines =
    reports.length > maxReportLines ? [] : reports.map((report) => `${report.name}: ${countsText(report)}`);
  const rate = Math.round(total.objectsSent / seconds);
  lines.push(`total: ${countsText(total)}, in ${seconds.toFixed(1)} s, ${rate} objects a second`);
  return `${lines.join("\n")}\n`;
}

function countsText(counts: Pick<NodeReport, NumbersOf<NodeReport>>): string {
  const { connections, requests, objectsAsked, objectsSent, bytesSent, refusals, faults, thrownAway } =
    counts;
  const asked = `asked ${requests} times for ${objectsAsked} objects`;
  const sent = `sent ${objectsSent} (${formatBytes(bytesSent)})`;
  const bad = [
    refusals > 0 && `${refusals} refusals`,
    faults > 0 && `${faults} faults of the tracer`,
    thrownAway > 0 && `${thrownAway} thrown away`,
  ].filter(Boolean);
  return [`${connections} connections`, asked, sent, ...bad].join(", ");
}
