import type { HealthSource } from "../health/health-report.js";
import { ExposedNames } from "../metrics/node/exposed-name.js";
import {
  type ExposedNode,
  type ExpositionFormat,
  exposition,
  expositionContentTypes,
} from "../metrics/node/exposition.js";
import type { Answer } from "./answer.js";
import { type Body, renderBody } from "./body.js";
import type { EndpointOptions, EndpointRequest, Route } from "./endpoint-options.js";
import { type EndpointServer, openEndpointServer } from "./endpoint-server.js";
import { healthRoute } from "./health-routes.js";
import { Accept, acceptsGzip } from "./negotiation.js";
import { nodeList } from "./node-list.js";
import type { NodesView } from "./nodes-view.js";
import { targets } from "./service-discovery.js";
import { SharedBodies } from "./shared-bodies.js";

export interface PrometheusOptions {
  readonly nodes: NodesView;
  readonly health: HealthSource;
  /** The daemon's own metrics, in the format that the client prefers. */
  readonly self: (format: ExpositionFormat) => Promise<{ contentType: string; body: string }>;
  /** Drop `_int`, `_counter`, `_real` from exposed names. */
  readonly metricsNoSuffix: boolean;
  /** Internal metric name → help text. */
  readonly metricsHelp: Readonly<Record<string, string>>;
  /** Added to every target of `/targets`. */
  readonly prometheusLabels: Readonly<Record<string, string>>;
  /** Told after each exposition how many names were left out because they collide with another of the same node. */
  readonly onCollided?: (names: number) => void;
}

/**
 * Serves `/` (list of nodes), `/targets`, `/metrics` (all nodes), `/metrics/self`, the health pages, and each node at
 * `/<slug>`.
 */
export function openPrometheusEndpoint(
  options: EndpointOptions & PrometheusOptions,
): Promise<EndpointServer> {
  return openEndpointServer({ ...options, route: prometheusRoute(options) });
}

/** The pages of that endpoint; made anew where the options change. */
export function prometheusRoute(options: PrometheusOptions): Route {
  const pages = new PrometheusPages(options);
  return (request) => pages.answer(request);
}

class PrometheusPages {
  readonly #options: PrometheusOptions;
  readonly #names: ExposedNames;
  readonly #help: ReadonlyMap<string, string>;
  readonly #bodies = new SharedBodies();

  constructor(options: PrometheusOptions) {
    this.#options = options;
    this.#names = new ExposedNames({ noSuffix: options.metricsNoSuffix });
    this.#help = new Map(Object.entries(options.metricsHelp));
  }

  answer(request: EndpointRequest): Answer | undefined | Promise<Answer | undefined> {
    const { nodes, prometheusLabels, health } = this.#options;
    switch (request.path) {
      case "/":
        return nodeList(request, nodes, "Prometheus metrics");
      case "/targets":
        return targets(request, nodes, prometheusLabels);
      case "/metrics":
        return this.#exposed(request, undefined, this.#allNodes());
      case "/metrics/self":
        return this.#self(request);
      default:
        return healthRoute(request.path, health) ?? this.#oneNode(request);
    }
  }

  #allNodes(): ExposedNode[] {
    return [...this.#options.nodes.nodes()].map(({ node, metrics }) => ({ label: node.name, metrics }));
  }

  #oneNode(request: EndpointRequest): Promise<Answer> | undefined {
    const viewed = this.#options.nodes.bySlug(request.path.slice(1));
    if (viewed === undefined) return undefined;
    const { metrics } = viewed;
    return this.#exposed(request, metrics.version, [{ label: undefined, metrics }]);
  }

  async #exposed(
    request: EndpointRequest,
    version: number | undefined,
    nodes: Iterable<ExposedNode>,
  ): Promise<Answer> {
    const format = formatFor(request);
    const gzip = acceptsGzip(request.headers["accept-encoding"]?.toString());
    const key = `${request.path} ${format} ${gzip}`;
    const body = await this.#bodies.get(key, version, () => this.#render(nodes, format, gzip));
    return { status: 200, contentType: expositionContentTypes[format], body };
  }

  async #render(nodes: Iterable<ExposedNode>, format: ExpositionFormat, gzip: boolean): Promise<Body> {
    const pieces = exposition(nodes, { format, names: this.#names, help: this.#help });
    const { body, result: collided } = await renderBody(pieces, { gzip });
    this.#options.onCollided?.(collided);
    return body;
  }

  async #self(request: EndpointRequest): Promise<Answer> {
    return { status: 200, ...(await this.#options.self(formatFor(request))) };
  }
}

/** OpenMetrics where Accept names it, and does not prefer plain text, or is absent. */
function formatFor(request: EndpointRequest): ExpositionFormat {
  const accept = new Accept(request.headers.accept);
  return accept.prefers("application/openmetrics-text", "text/plain") ? "openmetrics" : "text";
}
