import { untilStopped } from "../daemon/stop-signal.js";
import { nodeAddresses } from "../forwarder/node-addresses.js";
import { shortestLineBytes } from "../testing/numbered-objects.js";
import { NumberedSource } from "../testing/numbered-source.js";
import { type SimulatedNode, type SimulatedNodeReport, simulatedNode } from "../testing/simulated-node.js";
import { AddressError, formatAddress, parseAddress } from "../transport/address.js";
import { TransportError } from "../transport/transport-faults.js";
import { FaultReporter } from "./fault-reporter.js";
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
  readonly metrics: number;
  readonly queue?: number;
  readonly json?: true;
}

/** How often the state is shown on a terminal. */
const showEveryMs = 200;
/** Reports of more nodes are told in one line. */
const maxReportLines = 20;
const maxMagic = 0xffff_ffff;

/** Options that do not go together with what they are used for. */
class UsageError extends Error {}

const exit = { allSent: 0, notAllSent: 1, wrongUsage: 2 } as const;

interface NamedNode {
  readonly name: string;
  readonly source: NumberedSource;
  readonly node: SimulatedNode;
}

/** What `--json` prints of a node; fields are only ever added. */
interface NodeReport extends SimulatedNodeReport {
  readonly name: string;
  /** Whether its count was sent and asked past; endless ones never are. */
  readonly complete: boolean;
  /** Objects thrown away because the tracer did not ask in time; only with `--queue`. */
  readonly thrownAway: number;
}

/** Runs simulated nodes until they have sent everything or a signal comes; resolves with the exit code. */
export async function simulate(options: SimulateOptions): Promise<number> {
  const stopped = untilStopped();
  const nodes: NamedNode[] = [];
  let complete: ReadonlySet<NamedNode>;
  let seconds: number;
  try {
    for (const planned of plan(options)) {
      const node = await simulatedNode(planned);
      nodes.push({ ...planned, node });
      if (node.address !== undefined)
        process.stderr.write(`${planned.name} listens at ${formatAddress(node.address)}\n`);
    }
    const begun = performance.now();
    complete = await watch(nodes, stopped);
    seconds = (performance.now() - begun) / 1_000;
  } catch (error) {
    const isUsage = error instanceof UsageError || error instanceof AddressError;
    if (!isUsage && !(error instanceof TransportError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    return isUsage ? exit.wrongUsage : exit.notAllSent;
  } finally {
    await Promise.all(nodes.map(({ node }) => node.stop()));
  }
  const reports = nodes.map((named) => ({
    name: named.name,
    ...named.node.report(),
    complete: complete.has(named),
    thrownAway: named.source.thrownAway,
  }));
  if (options.json) print(`${JSON.stringify({ seconds, nodes: reports, total: sum(reports) })}\n`);
  else print(reportText(reports, seconds));
  const isGood = (node: NodeReport) => node.refusals === 0 && (node.complete || !options.count);
  return reports.every(isGood) ? exit.allSent : exit.notAllSent;
}

/** The nodes that are asked for. @throws AddressError, UsageError */
function plan(options: SimulateOptions) {
  const { count, rate, size, human, metrics, queue, magic } = options;
  if (magic > maxMagic) throw new UsageError(`--magic must be at most ${maxMagic}`);
  return networksOf(options).map((network, index) => {
    const name = options.nodes === 1 ? options.name : `${options.name}-${index + 1}`;
    const shortest = shortestLineBytes(name);
    if (size !== undefined && size < shortest)
      throw new UsageError(`--size must be at least ${shortest}: room for a number and the name ${name}`);
    const source = new NumberedSource({ name, count: count || undefined, rate, size, human, metrics, queue });
    return { name, source, magic, network };
  });
}

function networksOf({ connect, listen, nodes }: SimulateOptions) {
  if (connect !== undefined) {
    const address = parseAddress(connect);
    return Array.from({ length: nodes }, () => ({ mode: "connect" as const, address }));
  }
  return nodeAddresses(parseAddress(listen!), nodes).map((address) => ({ mode: "listen" as const, address }));
}

/**
 * Shows how far the nodes are until all have finished, one was refused, or a signal comes; resolves with those that have
 * sent everything.
 */
async function watch(nodes: readonly NamedNode[], stopped: Promise<void>): Promise<ReadonlySet<NamedNode>> {
  const status = new StatusLine();
  const faults = new FaultReporter(status);
  const complete = new Set<NamedNode>();
  const finishing = nodes.map(async (named) => {
    await named.node.finished;
    if (named.source.isOver) complete.add(named);
  });
  const reports = () => nodes.map(({ name, node }) => ({ name, ...node.report() }));
  let timer: NodeJS.Timeout | undefined;
  const refused = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      const current = reports();
      const { connections, objectsSent, bytesSent, refusals } = sum(current);
      status.show(`${connections} connections, ${objectsSent} objects, ${formatBytes(bytesSent)}`);
      faults.tell(current);
      if (refusals > 0) resolve();
    }, showEveryMs);
  });
  await Promise.race([stopped, refused, Promise.all(finishing)]);
  clearInterval(timer);
  faults.tell(reports());
  status.clear();
  return new Set(complete);
}

/** The sum of each number in the reports. */
function sum<Counts extends object>(reports: readonly Counts[]): Record<NumbersOf<Counts>, number> {
  const total: Record<string, number> = {};
  for (const report of reports) {
    for (const [name, value] of Object.entries(report)) {
      if (typeof value === "number") total[name] = (total[name] ?? 0) + value;
    }
  }
  return total as Record<NumbersOf<Counts>, number>;
}

type NumbersOf<Counts> = {
  [Name in keyof Counts]-?: Counts[Name] extends number ? Name : never;
}[keyof Counts];

function reportText(reports: readonly NodeReport[], seconds: number): string {
  const total = sum(reports);
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
