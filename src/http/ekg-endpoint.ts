import { type Answer, busyAnswer, jsonAnswer } from "./answer.js";
import { ekgJson, ekgMetricJson } from "./ekg-json.js";
import { ekgPage } from "./ekg-page.js";
import type { EndpointOptions, EndpointRequest } from "./endpoint-options.js";
import { bodyBudget, type EndpointServer, openEndpointServer } from "./endpoint-server.js";
import { LiveViewers } from "./live-viewers.js";
import { Accept } from "./negotiation.js";
import { nodeList } from "./node-list.js";
import { nodePath } from "./node-path.js";
import type { NodesView, ViewedNode } from "./nodes-view.js";

/**
 * Serves `/` (list of nodes), each node at `/<slug>`: nested JSON, or a live page for browsers, and each of its metrics
 * below that.
 */
export function openEkgEndpoint(
  options: EndpointOptions & { readonly nodes: NodesView },
): Promise<EndpointServer> {
  const { nodes, onError, budget = bodyBudget(options) } = options;
  const viewers = new LiveViewers({ nodes, budget, onError: (error) => onError?.(error, "") });
  return openEndpointServer({
    ...options,
    budget,
    route: (request) => answer(request, nodes),
    upgrade: (message, socket, head, path) => viewers.take(message, socket, head, nodePath(path)),
    onStop: () => viewers.stop(),
  });
}

function answer(request: EndpointRequest, nodes: NodesView): Answer | undefined | Promise<Answer> {
  if (request.path === "/") return nodeList(request, nodes, "EKG metrics");
  const { slug, rest } = nodePath(request.path) ?? {};
  const viewed = slug === undefined ? undefined : nodes.bySlug(slug);
  if (viewed === undefined) return undefined;
  const json = new Accept(request.headers.accept).prefers("application/json", "text/html");
  if (rest !== undefined) return json ? oneMetric(viewed, rest) : undefined;
  return json ? allMetrics(request, viewed) : ekgPage(request, viewed.node);
}

/** Like cardano-tracer: the parts of a name are separated by dots or slashes, and a group of metrics is not found. */
function oneMetric({ metrics }: ViewedNode, path: string): Answer {
  const metric = metrics.metric(path) ?? metrics.metric(path.replaceAll("/", "."));
  if (metric === undefined) return jsonAnswer(404, "Metric not found");
  return { status: 200, contentType: "application/json", body: ekgMetricJson(metric) };
}

async function allMetrics({ gzip, bodies }: EndpointRequest, { node, metrics }: ViewedNode): Promise<Answer> {
  const body = await bodies.get({
    key: `node ${node.slug}`,
    version: metrics.version,
    gzip,
    make: () => ({ bytes: 4 * metrics.bytes + metrics.size * 300, pieces: () => ekgJson(metrics) }),
  });
  return body === undefined ? busyAnswer() : { status: 200, contentType: "application/json", body };
}
