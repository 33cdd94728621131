import type { HealthSource } from "../health/health-report.js";
import type { NodeMetrics } from "../metrics/node/node-metrics.js";
import type { NodeIdentity } from "../nodes/identity.js";
import type { KnownNode } from "../sinks/live/known-nodes.js";
import type { FilesOverview, MetricHistory, NodeDetails, NodeSummary, Overview } from "./answers.js";
import { type History, historyOf } from "./history.js";
import { logSizes } from "./log-sizes.js";
import { type Asked, type Facts, NodeFacts } from "./node-facts.js";

/** A connected node. */
interface LiveNode {
  readonly node: NodeIdentity;
  readonly session: Asked;
  readonly metrics: NodeMetrics;
}

/** What the page shows of the tracer. Each function is called once for an answer, and must be quick. */
export interface UiSources {
  /** Muninn's. */
  readonly version: string;
  /** The nodes currently connected whose names are known. */
  readonly nodes: () => Iterable<LiveNode>;
  readonly bySlug: (slug: string) => LiveNode | undefined;
  /** The nodes connected now or within the last hour. */
  readonly known: () => Iterable<KnownNode>;
  readonly health: HealthSource;
  readonly totals: () => Overview["totals"];
  readonly disks: () => Overview["disks"];
  readonly handles: () => Overview["handles"];
  /** Where earlier values of metrics are kept, if anywhere. */
  readonly past: History | undefined;
  /** The directories of the logs. */
  readonly roots: readonly string[];
  readonly rotation: () => FilesOverview["rotation"];
}

/** Minutes that the counts by severity are about. */
const minutes = 5;

/** Makes the answers to the page. */
export class Views {
  readonly #sources: UiSources;
  readonly #facts = new NodeFacts();
  readonly #startedAt = Date.now();

  constructor(sources: UiSources) {
    this.#sources = sources;
  }

  /** As pieces of JSON, one for each node. */
  *overview(): Generator<string> {
    const { version, health, totals, disks, handles } = this.#sources;
    const at = Date.now();
    const before: Omit<Overview, "nodes"> = {
      version,
      at,
      startedAt: this.#startedAt,
      health: health.report(),
      totals: totals(),
      disks: disks(),
      handles: handles(),
      minutes,
    };
    yield `${JSON.stringify(before).slice(0, -1)},"nodes":[`;
    const sessions = new Map([...this.#sources.nodes()].map(({ node, session }) => [node.name, session]));
    let separator = "";
    for (const known of this.#sources.known()) {
      const session = sessions.get(known.identity.name);
      const facts = session && this.#facts.known(session);
      yield separator + JSON.stringify(summaryOf(known, at, facts));
      separator = ",";
    }
    yield "]}";
  }

  /** How many nodes an overview has. */
  get knownNodes(): number {
    return [...this.#sources.known()].length;
  }

  /** The last node with this slug. */
  #known(slug: string): KnownNode | undefined {
    let found: KnownNode | undefined;
    for (const known of this.#sources.known()) if (known.identity.slug === slug) found = known;
    return found;
  }

  /** Undefined if no node of this slug is known. */
  async node(slug: string): Promise<{ pieces: () => Generator<string>; bytes: number } | undefined> {
    const known = this.#known(slug);
    if (known === undefined) return undefined;
    const connected = this.#sources.bySlug(slug);
    const facts = connected && (await this.#facts.fresh(connected.session));
    const summary: NodeSummary = summaryOf(known, Date.now(), facts);
    const details: Omit<NodeDetails, "metrics"> = { ...summary, facts: facts?.entries ?? [] };
    const metrics = connected?.metrics;
    return {
      pieces: () => detailPieces(details, metrics),
      bytes: 10_000 + 4 * (metrics?.bytes ?? 0),
    };
  }

  /** A metric of the last hour; undefined if no node of this slug is known. */
  async history(slug: string, metric: string): Promise<MetricHistory | undefined> {
    const known = this.#known(slug);
    const { past } = this.#sources;
    if (known === undefined) return undefined;
    return past === undefined ? { points: [] } : historyOf(past, known.identity.name, metric);
  }

  async files(): Promise<FilesOverview> {
    const rotation = this.#sources.rotation();
    return { ...(rotation !== undefined && { rotation }), ...(await logSizes(this.#sources.roots)) };
  }
}

function summaryOf(known: KnownNode, now: number, facts: Facts | undefined): NodeSummary {
  const { identity, pulse, isConnected, since } = known;
  return {
    name: identity.name,
    slug: identity.slug,
    isConnected,
    since,
    ...(facts?.version !== undefined && { version: facts.version }),
    rate: pulse.rate(now),
    total: pulse.total,
    ...(pulse.lastAt !== undefined && { lastAt: pulse.lastAt }),
    bySeverity: pulse.bySeverity(now),
  };
}

function* detailPieces(
  details: Omit<NodeDetails, "metrics">,
  metrics: NodeMetrics | undefined,
): Generator<string> {
  yield `${JSON.stringify(details).slice(0, -1)},"metrics":[`;
  let separator = "";
  for (const [name, { kind, value }] of metrics?.entries() ?? []) {
    yield separator + JSON.stringify([name, kind, value.toString()]);
    separator = ",";
  }
  yield "]}";
}
