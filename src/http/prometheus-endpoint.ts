import type { HealthSource } from "../health/health-report.js";
import { ExposedNames } from "../metrics/node/exposed-name.js";
import {
  type ExposedNode,
  type ExpositionFormat,
  exposition,
  expositionContentTypes,
} from "../metrics/node/exposition.js";
import { type Answer, busyAnswer } from "./answer.js";
import type { EndpointOptions, EndpointRequest, Route } from "./endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "./endpoint-server.js";
import { healthRoute, isHealthPath } from "./health-routes.js";
import { Accept } from "./negotiation.js";
import { nodeList } from "./node-list.js";
import { nodePath } from "./node-path.js";
import type { NodesView } from "./nodes-view.js";
import { targets } from "./service-discovery.js";

/** Length of the pieces of a complete text, in UTF-16 units. */
const pieceLength = 65_536;

interface OwnText {
  readonly contentType: string;
  readonly body: string;
}

export interface PrometheusOptions {
  readonly nodes: NodesView;
  readonly health: HealthSource;
  /** The daemon's own metrics, in the format that the client prefers. */
  readonly self: (format: ExpositionFormat) => Promise<OwnText>;
  /** Drop `_int`, `_counter`, `_real` from exposed names. */
  readonly metricsNoSuffix: boolean;
  /** Internal metric name → help text. */
  readonly metricsHelp: Readonly<Record<string, string>>;
  /** Added to every target of `/targets`. */
  readonly prometheusLabels: Readonly<Record<string, string>>;
  /** Gives each target its own label `instance`, the node's name. */
  readonly instanceLabel: boolean;
  /** Whether the endpoint speaks TLS. */
  readonly isSecure: boolean;
  /** Called after each exposition with the number of names left out because they collide with another of the same node. */
  readonly onCollided?: (names: number) => void;
}

/**
 * Serves `/` (list of nodes), `/targets`, `/metrics` (all nodes), `/metrics/self`, the health pages, and each node at
 * `/<slug>` and `/<slug>/metrics`.
 */
export function openPrometheusEndpoint(
  options: EndpointOptions & PrometheusOptions,
): Promise<EndpointServer> {
  return openEndpointServer({ ...options, route: prometheusRoute(options), isUrgent: isHealthPath });
}

/** The pages of that endpoint, rebuilt when the options change. */
export function prometheusRoute(options: PrometheusOptions): Route {
  const pages = new PrometheusPages(options);
  return (request) => pages.answer(request);
}

class PrometheusPages {
  readonly #options: PrometheusOptions;
  readonly #names: ExposedNames;
  readonly #help: ReadonlyMap<string, string>;
  readonly #selfTexts = new Map<ExpositionFormat, Promise<OwnText>>();

  constructor(options: PrometheusOptions) {
    this.#options = options;
    this.#names = new ExposedNames({ noSuffix: options.metricsNoSuffix });
    this.#help = new Map(Object.entries(options.metricsHelp));
  }

  answer(request: EndpointRequest): Answer | undefined | Promise<Answer | undefined> {
    const { nodes, prometheusLabels: labels, instanceLabel, isSecure, health } = this.#options;
    switch (request.path) {
      case "/":
        return nodeList(request, nodes, "Prometheus metrics");
      case "/targets":
        return targets(request, nodes, { labels, instanceLabel, isSecure });
      case "/metrics":
        return this.#exposed(request, "/metrics", undefined, () => this.#allNodes());
      case "/metrics/self":
        return this.#self(request);
      default:
        return healthRoute(request.path, health) ?? this.#oneNode(request);
    }
  }

  #allNodes(): ExposedNode[] {
    return [...this.#options.nodes.nodes()].map(({ node, metrics }) => ({ label: node.name, metrics }));
  }

  /** `/slug`, or `/slug/metrics`, the path in monitoring guides. */
  #oneNode(request: EndpointRequest): Promise<Answer> | undefined {
    const { slug, rest } = nodePath(request.path) ?? {};
    if (slug === undefined || !(rest === undefined || rest === "metrics")) return undefined;
    const viewed = this.#options.nodes.bySlug(slug);
    if (viewed === undefined) return undefined;
    const { metrics } = viewed;
    return this.#exposed(request, `node ${slug}`, metrics.version, () => [{ label: undefined, metrics }]);
  }

  async #exposed(
    { headers, gzip, bodies }: EndpointRequest,
    what: string,
    version: number | undefined,
    find: () => readonly ExposedNode[],
  ): Promise<Answer> {
    const format = formatFor(headers);
    const body = await bodies.get({
      key: `${format} ${what}`,
      version,
      gzip,
      make: () => {
        const nodes = find();
        return {
          bytes: nodes.reduce((sum, node) => sum + bytesToExpose(node), 0),
          pieces: () => this.#exposition(nodes, format),
        };
      },
    });
    return body === undefined
      ? busyAnswer()
      : { status: 200, contentType: expositionContentTypes[format], body };
  }

  *#exposition(nodes: readonly ExposedNode[], format: ExpositionFormat): Generator<string> {
    const collided = yield* exposition(nodes, { format, names: this.#names, help: this.#help });
    this.#options.onCollided?.(collided);
  }

  async #self({ headers, gzip, bodies }: EndpointRequest): Promise<Answer> {
    const format = formatFor(headers);
    const { contentType, body: text } = await this.#selfText(format);
    const body = await bodies.get({
      key: `self ${format}`,
      version: undefined,
      gzip,
      make: () => ({ bytes: 2 * text.length, pieces: () => piecesOf(text) }),
    });
    return body === undefined ? busyAnswer() : { status: 200, contentType, body };
  }

  /** Made once for all simultaneous requests. */
  #selfText(format: ExpositionFormat): Promise<OwnText> {
    const known = this.#selfTexts.get(format);
    if (known !== undefined) return known;
    const text = this.#options.self(format).finally(() => this.#selfTexts.delete(format));
    this.#selfTexts.set(format, text);
    return text;
  }
}

function* piecesOf(text: string): Generator<string> {
  for (let begin = 0; begin < text.length; begin += pieceLength) yield text.slice(begin, begin + pieceLength);
}

/** An estimate: names and texts appear about twice in an exposition, and each metric has comment lines and an entry in its family. */
function bytesToExpose({ label = "", metrics }: ExposedNode): number {
  return 2 * metrics.bytes + metrics.size * (200 + label.length);
}

/** OpenMetrics if Accept is absent, or names it without preferring plain text. */
function formatFor(headers: EndpointRequest["headers"]): ExpositionFormat {
  const accept = new Accept(headers.accept);
  return accept.prefers("application/openmetrics-text", "text/plain") ? "openmetrics" : "text";
}
